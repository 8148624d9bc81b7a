-- Written by hand: COLLATE "C" on the columns that hold keys and paths. Keys are merged with the listing of a bucket
-- in UTF-8 byte order (DESIGN 2), and "C" is the collation that sorts so on every server, whatever its locale.

-- CreateEnum
CREATE TYPE "PhotoKind" AS ENUM ('image', 'video', 'audio', 'sidecar', 'other');

-- CreateEnum
CREATE TYPE "PhotoState" AS ENUM ('pending', 'synced', 'missing', 'orphaned', 'lost', 'archived', 'conflict', 'failed');

-- CreateEnum
CREATE TYPE "RunStatus" AS ENUM ('running', 'succeeded', 'partial', 'failed', 'refused', 'planned');

-- CreateTable
CREATE TABLE "Library" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "root" TEXT NOT NULL,
    "bucket" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "excludes" TEXT[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Library_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Album" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "libraryId" UUID NOT NULL,
    "path" TEXT COLLATE "C" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Album_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Photo" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "libraryId" UUID NOT NULL,
    "albumId" UUID NOT NULL,
    "path" TEXT COLLATE "C" NOT NULL,
    "fileName" TEXT NOT NULL,
    "bucket" TEXT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "kind" "PhotoKind" NOT NULL,
    "contentType" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "mtimeNs" BIGINT NOT NULL,
    "device" BIGINT,
    "inode" BIGINT,
    "md5" TEXT,
    "etag" TEXT,
    "partSize" BIGINT,
    "storageClass" TEXT,
    "state" "PhotoState" NOT NULL,
    "orphanedAt" TIMESTAMPTZ(3),
    "deletingAt" TIMESTAMPTZ(3),
    "lastError" TEXT,
    "verifiedAt" TIMESTAMPTZ(3),
    "width" INTEGER,
    "height" INTEGER,
    "takenAt" TIMESTAMPTZ(3),
    "exif" JSONB,
    "thumbhash" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Photo_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Variant" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "photoId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "width" INTEGER NOT NULL,
    "height" INTEGER NOT NULL,
    "size" BIGINT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Variant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Run" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "libraryId" UUID,
    "parentId" UUID,
    "album" TEXT,
    "kind" TEXT NOT NULL,
    "status" "RunStatus" NOT NULL,
    "policy" JSONB NOT NULL,
    "report" JSONB,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RunAction" (
    "id" BIGSERIAL NOT NULL,
    "runId" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "code" TEXT,
    "message" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "RunAction_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ArchivedObject" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "photoId" UUID,
    "bucket" TEXT NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "storageClass" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "requestedAt" TIMESTAMPTZ(3),
    "restoredUntil" TIMESTAMPTZ(3),
    "lastError" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ArchivedObject_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "BucketProfile" (
    "endpoint" TEXT NOT NULL,
    "bucket" TEXT NOT NULL,
    "features" JSONB NOT NULL,
    "probedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "BucketProfile_pkey" PRIMARY KEY ("endpoint","bucket")
);

-- CreateIndex
CREATE UNIQUE INDEX "Library_name_key" ON "Library"("name");

-- CreateIndex
CREATE UNIQUE INDEX "Library_bucket_prefix_key" ON "Library"("bucket", "prefix");

-- CreateIndex
CREATE UNIQUE INDEX "Album_libraryId_path_key" ON "Album"("libraryId", "path");

-- CreateIndex
CREATE UNIQUE INDEX "Album_id_libraryId_key" ON "Album"("id", "libraryId");

-- CreateIndex
CREATE INDEX "Photo_libraryId_key_idx" ON "Photo"("libraryId", "key");

-- CreateIndex
CREATE INDEX "Photo_albumId_key_idx" ON "Photo"("albumId", "key");

-- CreateIndex
CREATE INDEX "Photo_libraryId_state_idx" ON "Photo"("libraryId", "state");

-- CreateIndex
CREATE INDEX "Photo_device_inode_idx" ON "Photo"("device", "inode");

-- CreateIndex
CREATE INDEX "Photo_md5_idx" ON "Photo"("md5");

-- CreateIndex
CREATE UNIQUE INDEX "Photo_libraryId_path_key" ON "Photo"("libraryId", "path");

-- CreateIndex
CREATE UNIQUE INDEX "Photo_bucket_key_key" ON "Photo"("bucket", "key");

-- CreateIndex
CREATE UNIQUE INDEX "Variant_photoId_name_key" ON "Variant"("photoId", "name");

-- CreateIndex
CREATE INDEX "Run_startedAt_idx" ON "Run"("startedAt");

-- CreateIndex
CREATE INDEX "Run_libraryId_startedAt_idx" ON "Run"("libraryId", "startedAt");

-- CreateIndex
CREATE INDEX "Run_parentId_idx" ON "Run"("parentId");

-- CreateIndex
CREATE INDEX "RunAction_runId_id_idx" ON "RunAction"("runId", "id");

-- CreateIndex
CREATE INDEX "ArchivedObject_photoId_idx" ON "ArchivedObject"("photoId");

-- CreateIndex
CREATE UNIQUE INDEX "ArchivedObject_bucket_key_key" ON "ArchivedObject"("bucket", "key");

-- AddForeignKey
ALTER TABLE "Album" ADD CONSTRAINT "Album_libraryId_fkey" FOREIGN KEY ("libraryId") REFERENCES "Library"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Photo" ADD CONSTRAINT "Photo_albumId_libraryId_fkey" FOREIGN KEY ("albumId", "libraryId") REFERENCES "Album"("id", "libraryId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Variant" ADD CONSTRAINT "Variant_photoId_fkey" FOREIGN KEY ("photoId") REFERENCES "Photo"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Run" ADD CONSTRAINT "Run_libraryId_fkey" FOREIGN KEY ("libraryId") REFERENCES "Library"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Run" ADD CONSTRAINT "Run_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "Run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RunAction" ADD CONSTRAINT "RunAction_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ArchivedObject" ADD CONSTRAINT "ArchivedObject_photoId_fkey" FOREIGN KEY ("photoId") REFERENCES "Photo"("id") ON DELETE SET NULL ON UPDATE CASCADE;
