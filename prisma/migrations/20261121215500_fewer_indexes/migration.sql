-- Every new photo was written into ten indexes, which took longer than all else. Written by hand: what is partial, and the
-- function, for which Prisma's schema language has no words.

-- DropIndex: nobody asks for devices and inodes, moves are paired while both sides are read.
DROP INDEX "Photo_device_inode_idx";

-- DropIndex: the keys of a library are a stretch of those of its bucket, of which no other library has any.
DROP INDEX "Photo_libraryId_key_idx";

-- A photo has no time before it was looked at.
DROP INDEX "Photo_albumId_takenAt_key_idx";
CREATE INDEX "Photo_albumId_takenAt_key_idx" ON "Photo"("albumId", "takenAt", "key") WHERE "takenAt" IS NOT NULL;

-- The photos of a library share one entry, where each had its key in it (media-due.ts).
DROP INDEX "Photo_due_idx";
CREATE INDEX "Photo_due_idx" ON "Photo"("libraryId", "kind")
 WHERE "kind" IN ('image', 'video') AND "etag" IS NOT NULL AND "md5" IS NOT NULL
   AND ("mediaOf" IS DISTINCT FROM "md5" OR "mediaWoken") AND "state" NOT IN ('orphaned', 'lost');

-- Wakes the photos to which a sidecar belongs: name.jpg and name.jpg.* of name.jpg.xmp, where * is the rest of the name.
-- They are locked also when they need no waking: whoever looks for the sidecar of one of them meanwhile then waits, or
-- passes it by (media-claims.ts).
CREATE OR REPLACE FUNCTION "wakePhotosOf"(library UUID, sidecar TEXT) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  stem TEXT := left(sidecar, -4);
  photos UUID[];
BEGIN
  IF lower(right(sidecar, 4)) <> '.xmp' THEN
    RETURN;
  END IF;
  photos := ARRAY(
    SELECT p."id" FROM "Photo" AS p
     WHERE p."libraryId" = library AND p."bucket" = (SELECT l."bucket" FROM "Library" AS l WHERE l."id" = library)
       AND p."key" >= stem AND p."key" < stem || '/'
       AND (p."key" = stem OR (starts_with(p."key", stem || '.') AND substr(p."key", length(stem) + 2) !~ '[./]'))
       AND p."kind" IN ('image', 'video')
     ORDER BY p."id" FOR NO KEY UPDATE);
  UPDATE "Photo" AS p SET "mediaWoken" = true, "mediaClaim" = NULL, "mediaClaimedAt" = NULL, "mediaAttempts" = 0
   WHERE p."id" = ANY (photos) AND (p."mediaOf" IS NOT NULL OR p."mediaClaimedAt" IS NOT NULL);
END
$$;
