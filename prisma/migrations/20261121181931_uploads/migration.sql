-- Written by hand: COLLATE "C" on the key.

-- CreateTable
CREATE TABLE "Upload" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "libraryId" UUID,
    "bucket" TEXT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "uploadId" TEXT NOT NULL,
    "partSize" BIGINT NOT NULL,
    "size" BIGINT NOT NULL,
    "mtimeNs" BIGINT,
    "md5" TEXT,
    "holder" UUID NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Upload_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "UploadPart" (
    "upload" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "etag" TEXT NOT NULL,
    "md5" TEXT NOT NULL,

    CONSTRAINT "UploadPart_pkey" PRIMARY KEY ("upload","number")
);

-- CreateIndex
CREATE INDEX "Upload_bucket_key_idx" ON "Upload"("bucket", "key");

-- CreateIndex
CREATE INDEX "Upload_libraryId_updatedAt_idx" ON "Upload"("libraryId", "updatedAt");

-- AddForeignKey
ALTER TABLE "Upload" ADD CONSTRAINT "Upload_libraryId_fkey" FOREIGN KEY ("libraryId") REFERENCES "Library"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UploadPart" ADD CONSTRAINT "UploadPart_upload_fkey" FOREIGN KEY ("upload") REFERENCES "Upload"("id") ON DELETE CASCADE ON UPDATE CASCADE;
