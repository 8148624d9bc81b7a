-- CreateEnum
CREATE TYPE "LibrarySync" AS ENUM ('up', 'both');

-- AlterTable
ALTER TABLE "Library" ADD COLUMN     "sync" "LibrarySync" NOT NULL DEFAULT 'up';
