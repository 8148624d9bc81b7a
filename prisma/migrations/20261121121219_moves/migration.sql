-- Written by hand: COLLATE "C" on Leftover.key, like every key. ArchivedObject was never written to before, so its new
-- columns need no default. What a bucket honours is asked anew: renames and batched deletions ask more of it.

-- CreateEnum
CREATE TYPE "ArchiveWait" AS ENUM ('move', 'download');

-- AlterTable
ALTER TABLE "ArchivedObject" ADD COLUMN     "libraryId" UUID NOT NULL,
ADD COLUMN     "what" "ArchiveWait" NOT NULL;

-- AlterTable
ALTER TABLE "Photo" ADD COLUMN     "birthNs" BIGINT;

-- CreateTable
CREATE TABLE "Leftover" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "libraryId" UUID NOT NULL,
    "photoId" UUID NOT NULL,
    "bucket" TEXT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "size" BIGINT NOT NULL,
    "etag" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Leftover_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Leftover_photoId_idx" ON "Leftover"("photoId");

-- CreateIndex
CREATE UNIQUE INDEX "Leftover_bucket_key_key" ON "Leftover"("bucket", "key");

-- CreateIndex
CREATE INDEX "ArchivedObject_libraryId_createdAt_key_idx" ON "ArchivedObject"("libraryId", "createdAt", "key");

-- AddForeignKey
ALTER TABLE "Leftover" ADD CONSTRAINT "Leftover_libraryId_fkey" FOREIGN KEY ("libraryId") REFERENCES "Library"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Leftover" ADD CONSTRAINT "Leftover_photoId_fkey" FOREIGN KEY ("photoId") REFERENCES "Photo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ArchivedObject" ADD CONSTRAINT "ArchivedObject_libraryId_fkey" FOREIGN KEY ("libraryId") REFERENCES "Library"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Every bucket is learnt again.
DELETE FROM "BucketProfile";
