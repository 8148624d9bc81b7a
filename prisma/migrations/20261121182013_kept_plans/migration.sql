-- CreateTable
CREATE TABLE "Plan" (
    "runId" UUID NOT NULL,
    "askedId" UUID NOT NULL,
    "header" JSONB NOT NULL,
    "groups" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "appliedAt" TIMESTAMPTZ(3),
    "appliedBy" UUID,

    CONSTRAINT "Plan_pkey" PRIMARY KEY ("runId")
);

-- CreateTable
CREATE TABLE "PlanStep" (
    "planId" UUID NOT NULL,
    "at" INTEGER NOT NULL,
    "group" TEXT NOT NULL,
    "action" TEXT NOT NULL,

    CONSTRAINT "PlanStep_pkey" PRIMARY KEY ("planId","at")
);

-- CreateIndex
CREATE INDEX "Plan_askedId_idx" ON "Plan"("askedId");

-- CreateIndex
CREATE INDEX "PlanStep_planId_group_at_idx" ON "PlanStep"("planId", "group", "at");

-- AddForeignKey
ALTER TABLE "Plan" ADD CONSTRAINT "Plan_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "PlanStep" ADD CONSTRAINT "PlanStep_planId_fkey" FOREIGN KEY ("planId") REFERENCES "Plan"("runId") ON DELETE CASCADE ON UPDATE CASCADE;
