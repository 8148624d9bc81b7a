-- CreateIndex
CREATE INDEX "AlbumTask_status_idx" ON "AlbumTask"("status");

-- CreateIndex
CREATE INDEX "Run_status_idx" ON "Run"("status");
