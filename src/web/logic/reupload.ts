/** What came of sending again what the bucket had lost, in the words of toasts. */
import type { Report } from '../api/types.ts';
import { formatCounted } from './format.ts';
import type { Words } from './manager.ts';

export function reuploadWords(
  report: Pick<Report, 'photos' | 'actions' | 'failures' | 'conflicts' | 'error'>,
): Words[] {
  const { photos, actions, error } = report;
  const sent = actions.reuploaded + actions.uploaded;
  const failed = [...report.failures, ...report.conflicts];
  const [first] = failed;
  const words: Words[] = [
    ...(sent > 0
      ? [{ tone: 'good', text: `✅ Successfully uploaded ${formatCounted(sent, 'image')} to S3` } as const]
      : []),
    ...(photos.lost > 0
      ? [
          {
            tone: 'bad',
            text: `❌ ${formatCounted(photos.lost, 'photo')} cannot be re-uploaded: gone from disk too`,
          } as const,
        ]
      : []),
    ...(first
      ? [
          {
            tone: 'bad',
            text: `❌ Failed to re-upload ${formatCounted(failed.length, 'photo')}: ${first.path}: ${first.message}`,
          } as const,
        ]
      : []),
    ...(error ? [{ tone: 'bad', text: `❌ Failed to re-upload: ${error.message}` } as const] : []),
  ];
  return words.length > 0 ? words : [{ tone: 'good', text: '✅ Nothing is missing in S3' }];
}
