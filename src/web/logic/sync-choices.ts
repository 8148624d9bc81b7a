/** What was chosen for a sync, as the address holds it, and as the API takes it. */
import type { SyncRequest } from '../api/types.ts';

export interface SyncChoices {
  readonly library: string;
  readonly direction: '' | 'down' | 'both';
  readonly orphans: '' | 'mark' | 'download' | 'delete';
  readonly compare: '' | 'content';
}

export function choicesOf(query: Readonly<Record<string, string>>): SyncChoices {
  return {
    library: query['library'] ?? '',
    direction: oneOf(query['direction'], ['down', 'both']),
    orphans: oneOf(query['orphans'], ['mark', 'download', 'delete']),
    compare: oneOf(query['compare'], ['content']),
  };
}

function oneOf<const Word extends string>(text: string | undefined, words: readonly Word[]): Word | '' {
  return words.find((word) => word === text) ?? '';
}

export function requestOf(choices: SyncChoices, albumId: string | null): NonNullable<SyncRequest> {
  const { library, direction, orphans, compare } = choices;
  return {
    ...(albumId !== null ? { albumId } : library !== '' && { library }),
    ...(direction !== '' && { direction }),
    ...(orphans !== '' && { orphans }),
    ...(compare !== '' && { compare }),
  };
}
