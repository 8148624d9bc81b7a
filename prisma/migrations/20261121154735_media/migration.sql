-- Written by hand: COLLATE "C" on the keys of variants, and all from "Photos whose bytes" on, for which Prisma's schema
-- language has no words. Variant was never written to before, so its new columns need no default.

-- CreateEnum
CREATE TYPE "MediaState" AS ENUM ('ready', 'unsupported', 'refused', 'corrupt', 'failed');

-- AlterTable
ALTER TABLE "Photo" ADD COLUMN     "durationMs" INTEGER,
ADD COLUMN     "mediaAt" TIMESTAMPTZ(3),
ADD COLUMN     "mediaAttempts" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "mediaClaim" UUID,
ADD COLUMN     "mediaClaimedAt" TIMESTAMPTZ(3),
ADD COLUMN     "mediaError" TEXT,
ADD COLUMN     "mediaOf" TEXT,
ADD COLUMN     "mediaState" "MediaState",
ADD COLUMN     "mediaWith" TEXT,
ADD COLUMN     "mediaWoken" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "takenFrom" TEXT,
ADD COLUMN     "takenOffset" INTEGER;

-- AlterTable
ALTER TABLE "Variant" ALTER COLUMN "key" TYPE TEXT COLLATE "C",
ADD COLUMN     "etag" TEXT NOT NULL,
ADD COLUMN     "libraryId" UUID NOT NULL;

-- CreateTable
CREATE TABLE "VariantRemains" (
    "libraryId" UUID NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "etag" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VariantRemains_pkey" PRIMARY KEY ("libraryId","key")
);

-- CreateIndex
CREATE INDEX "Photo_albumId_takenAt_key_idx" ON "Photo"("albumId", "takenAt", "key");

-- CreateIndex
CREATE UNIQUE INDEX "Variant_libraryId_key_key" ON "Variant"("libraryId", "key");

-- Photos whose bytes nobody has looked at. As few as there are of them, so cheap is asking for them (media-due.ts, which
-- says the same in the same words).
CREATE INDEX "Photo_due_idx" ON "Photo"("libraryId", "key")
 WHERE "kind" IN ('image', 'video') AND "etag" IS NOT NULL AND "md5" IS NOT NULL
   AND ("mediaOf" IS DISTINCT FROM "md5" OR "mediaWoken") AND "state" NOT IN ('orphaned', 'lost');

-- Few libraries have any, and every photo that is looked at asks for its own.
CREATE INDEX "Photo_sidecar_idx" ON "Photo"("libraryId", "key") WHERE "kind" = 'sidecar';

-- The XMP file that belongs to a photo: name.jpg.xmp before name.xmp, whatever the case of .xmp. By keys and not by a
-- range of them: an album may have thousands that begin alike. One by one (LIMIT), or PostgreSQL would read the whole
-- library for each photo while it has no statistics of it.
CREATE FUNCTION "sidecarOf"(library UUID, photo TEXT) RETURNS SETOF "Photo" LANGUAGE sql STABLE ROWS 1 AS $$
  SELECT s.*
    FROM unnest(ARRAY[photo, substring(photo FROM '^(.*)[.][^./]*$')]) WITH ORDINALITY AS n (stem, turn),
         unnest('{.xmp,.XMP,.Xmp,.xMp,.xmP,.XMp,.XmP,.xMP}'::text[]) AS e (extension),
         LATERAL (SELECT * FROM "Photo" AS p
                   WHERE p."libraryId" = library AND p."kind" = 'sidecar' AND p."key" = n.stem || e.extension
                     AND p."etag" IS NOT NULL AND p."md5" IS NOT NULL AND p."state" NOT IN ('orphaned', 'lost')
                   LIMIT 1) AS s
   ORDER BY n.turn, s."key" LIMIT 1
$$;

-- Wakes the photos to which a sidecar belongs: name.jpg and name.jpg.* of name.jpg.xmp, where * is the rest of the name.
-- They are locked also when they need no waking: whoever looks for the sidecar of one of them meanwhile then waits, or
-- passes it by (media-claims.ts).
CREATE FUNCTION "wakePhotosOf"(library UUID, sidecar TEXT) RETURNS void
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
     WHERE p."libraryId" = library AND p."key" >= stem AND p."key" < stem || '/'
       AND (p."key" = stem OR (starts_with(p."key", stem || '.') AND substr(p."key", length(stem) + 2) !~ '[./]'))
       AND p."kind" IN ('image', 'video')
     ORDER BY p."id" FOR NO KEY UPDATE);
  UPDATE "Photo" AS p SET "mediaWoken" = true, "mediaClaim" = NULL, "mediaClaimedAt" = NULL, "mediaAttempts" = 0
   WHERE p."id" = ANY (photos) AND (p."mediaOf" IS NOT NULL OR p."mediaClaimedAt" IS NOT NULL);
END
$$;

CREATE FUNCTION "onSidecar"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    -- With the whole library: nobody is left to be woken.
    IF EXISTS (SELECT FROM "Library" WHERE "id" = OLD."libraryId") THEN
      PERFORM "wakePhotosOf"(OLD."libraryId", OLD."key");
    END IF;
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND OLD."key" <> NEW."key" THEN
    PERFORM "wakePhotosOf"(OLD."libraryId", OLD."key");
  END IF;
  PERFORM "wakePhotosOf"(NEW."libraryId", NEW."key");
  RETURN NULL;
END
$$;

CREATE TRIGGER "Photo_sidecar_came" AFTER INSERT ON "Photo"
  FOR EACH ROW WHEN (NEW."kind" = 'sidecar') EXECUTE FUNCTION "onSidecar"();

CREATE TRIGGER "Photo_sidecar_changed" AFTER UPDATE OF "kind", "key", "md5", "etag", "state" ON "Photo"
  FOR EACH ROW WHEN ((OLD."kind" = 'sidecar' OR NEW."kind" = 'sidecar') AND
    (OLD."kind", OLD."key", OLD."md5", OLD."etag" IS NULL, OLD."state" IN ('orphaned', 'lost')) IS DISTINCT FROM
    (NEW."kind", NEW."key", NEW."md5", NEW."etag" IS NULL, NEW."state" IN ('orphaned', 'lost')))
  EXECUTE FUNCTION "onSidecar"();

CREATE TRIGGER "Photo_sidecar_went" AFTER DELETE ON "Photo"
  FOR EACH ROW WHEN (OLD."kind" = 'sidecar') EXECUTE FUNCTION "onSidecar"();

-- Other bytes are looked at anew. Another name only where a sidecar is concerned, the one that was left or another one.
-- The plan is always the same, and making it anew for each row takes longer than all else.
CREATE FUNCTION "onPhoto"() RETURNS trigger LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NEW."md5" IS DISTINCT FROM OLD."md5" THEN
    NEW."mediaClaim" := NULL;
    NEW."mediaClaimedAt" := NULL;
    NEW."mediaAttempts" := 0;
  END IF;
  IF NEW."key" <> OLD."key" THEN
    IF NEW."mediaWith" IS NOT NULL OR EXISTS (SELECT FROM "sidecarOf"(NEW."libraryId", NEW."key")) THEN
      NEW."mediaClaim" := NULL;
      NEW."mediaClaimedAt" := NULL;
      NEW."mediaAttempts" := 0;
      NEW."mediaWoken" := true;
    END IF;
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER "Photo_changed" BEFORE UPDATE OF "key", "md5" ON "Photo"
  FOR EACH ROW WHEN (NEW."kind" IN ('image', 'video')
    AND (OLD."key" <> NEW."key" OR OLD."md5" IS DISTINCT FROM NEW."md5"))
  EXECUTE FUNCTION "onPhoto"();

-- Whatever removes a photo's row: its variants are to be removed from the bucket.
CREATE FUNCTION "onVariantsGone"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "VariantRemains" ("libraryId", "key", "etag")
  SELECT g."libraryId", g."key", g."etag" FROM gone AS g
   WHERE EXISTS (SELECT FROM "Library" AS l WHERE l."id" = g."libraryId")
  ON CONFLICT ("libraryId", "key") DO UPDATE SET "etag" = excluded."etag";
  RETURN NULL;
END
$$;

CREATE TRIGGER "Variant_gone" AFTER DELETE ON "Variant" REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION "onVariantsGone"();

CREATE FUNCTION "onLibraryGone"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "VariantRemains" WHERE "libraryId" = OLD."id";
  RETURN NULL;
END
$$;

CREATE TRIGGER "Library_gone" AFTER DELETE ON "Library" FOR EACH ROW EXECUTE FUNCTION "onLibraryGone"();
