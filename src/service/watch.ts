import { stat } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { contentOf } from './config-file.ts';

export interface WatchParts {
  /** The files, and the SHA-256 of the content that was read of each last; asked anew at each look. */
  files: () => ReadonlyMap<string, string | undefined>;
  settings: () => { look_secs: number; settle_secs: number; gone_secs: number };
  /** The content of some file is another than was read last, and has been for `settle_secs`. */
  changed: () => Promise<unknown>;
  clock: Clock;
}

/**
 * Looks at the files every now and then: a look follows symbolic links, so it sees Kubernetes' swap of `..data`, an
 * editor's rename and a network file system alike, which events of the kernel do not. Touching a file without
 * changing its content is no change.
 */
export function openWatch(parts: WatchParts): { start(): void; stop(): void } {
  const { clock } = parts;
  let cancel: (() => void) | undefined;
  let stopped = false;
  /** As of the last look. */
  let seen = new Map<string, string>();
  let changedAt: number | undefined;
  let goneAt: number | undefined;

  async function look(): Promise<void> {
    const now = clock.now();
    const { look_secs, settle_secs, gone_secs } = parts.settings();
    const found = await stamps([...parts.files().keys()]);
    if (!isSame(found, seen)) changedAt = now;
    seen = found;
    const gone = [...found.values()].includes(absent);
    goneAt = gone ? (goneAt ?? now) : undefined;
    const settled = changedAt !== undefined && now - changedAt >= settle_secs * 1000;
    const waits = goneAt !== undefined && now - goneAt < gone_secs * 1000;
    if (settled && !waits) {
      changedAt = undefined;
      if ([...parts.files()].some(([file, digest]) => contentOf(file) !== digest)) await parts.changed();
    }
    if (!stopped) next(look_secs);
  }

  function next(secs: number): void {
    cancel = clock.after(secs * 1000, () => void look());
  }

  return {
    start: () => next(parts.settings().look_secs),
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}

const absent = 'absent';

/** What tells a file from what it was, without reading it. */
async function stamps(files: readonly string[]): Promise<Map<string, string>> {
  const found = await Promise.all(
    files.map(async (file): Promise<[string, string]> => {
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
        return [file, [dev, ino, size, mtimeNs, ctimeNs].join(':')];
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        return [file, code === 'ENOENT' || code === 'ENOTDIR' ? absent : `error ${code}`];
      }
    }),
  );
  return new Map(found);
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([file, stamp]) => b.get(file) === stamp);
}
