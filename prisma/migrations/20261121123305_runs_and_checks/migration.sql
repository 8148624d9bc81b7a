-- AlterEnum
ALTER TYPE "RunStatus" ADD VALUE 'queued';

-- AlterTable
ALTER TABLE "Photo" ADD COLUMN     "checkedAt" TIMESTAMPTZ(3),
ADD COLUMN     "damage" TEXT;

-- AlterTable
ALTER TABLE "Run" ADD COLUMN     "cancelAt" TIMESTAMPTZ(3),
ADD COLUMN     "progress" JSONB;

-- CreateTable
CREATE TABLE "AlbumTask" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "runId" UUID NOT NULL,
    "album" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "partId" UUID,
    "lastError" TEXT,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "AlbumTask_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "AlbumTask_runId_album_key" ON "AlbumTask"("runId", "album");

-- AddForeignKey
ALTER TABLE "AlbumTask" ADD CONSTRAINT "AlbumTask_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE CASCADE ON UPDATE CASCADE;
