import { z } from 'zod';
import type { Source } from '../model/intake.ts';
import type { Log } from '../telemetry/log.ts';
import type { RecordingShape } from './recording.ts';
import { tetragonSchema } from './tetragon/config.ts';
import { openTetragonFile, tetragonFileSchema } from './tetragon/follow.ts';
import { openTetragon } from './tetragon/grpc.ts';

/** Every kind of source; a new one gets a line here and in `openSource`. */
export const sourceSchema = z.discriminatedUnion('type', [tetragonSchema, tetragonFileSchema]);
export type SourceConfig = z.output<typeof sourceSchema>;

export interface SourceDeps {
  log: Log;
  /** Sees each message as it came, before anything else does. */
  tap?: (message: Buffer, shape: RecordingShape) => void;
}

/** Constructs a source; touches nothing outside the process. Throws LannerError `config_invalid`. */
export function openSource(name: string, config: SourceConfig, deps: SourceDeps): Source {
  const { log, tap } = deps;
  const tapAs = (shape: RecordingShape) =>
    tap === undefined ? {} : { tap: (message: Buffer) => tap(message, shape) };
  switch (config.type) {
    case 'tetragon':
      return openTetragon(name, config, { log, ...tapAs('frames') });
    case 'tetragon_file':
      return openTetragonFile(name, config, { log, ...tapAs('lines') });
  }
}
