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
CREATE TABLE "PlanBlock" (
    "planId" UUID NOT NULL,
    "group" TEXT NOT NULL,
    "first" INTEGER NOT NULL,
    "last" INTEGER NOT NULL,
    "count" INTEGER NOT NULL,
    "steps" TEXT NOT NULL,

    CONSTRAINT "PlanBlock_pkey" PRIMARY KEY ("planId","group","first")
);

-- CreateIndex
CREATE INDEX "Plan_askedId_idx" ON "Plan"("askedId");

-- AddForeignKey
ALTER TABLE "Plan" ADD CONSTRAINT "Plan_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "PlanBlock" ADD CONSTRAINT "PlanBlock_planId_fkey" FOREIGN KEY ("planId") REFERENCES "Plan"("runId") ON DELETE CASCADE ON UPDATE CASCADE;
