import type { CanarySign } from '../model/canary.ts';
import type { Source } from '../model/intake.ts';
import type { Log } from '../telemetry/log.ts';
import type { FalcoGrpcConfig, FalcoHttpConfig } from './falco/config.ts';
import { checkListen as checkFalcoHttp } from './falco/http-server.ts';
import { openFalcoGrpc, openFalcoHttp } from './falco/index.ts';
import type { RecordingShape } from './recording.ts';
import type { TetragonConfig } from './tetragon/config.ts';
import { type FileBookmark, openTetragonFile, type TetragonFileConfig } from './tetragon/follow.ts';
import { openTetragon } from './tetragon/grpc.ts';

export { falcoGrpcSchema, falcoHttpSchema } from './falco/config.ts';
export { tetragonSchema } from './tetragon/config.ts';
export { type FileBookmark, tetragonFileSchema } from './tetragon/follow.ts';

export type SourceConfig = TetragonConfig | TetragonFileConfig | FalcoGrpcConfig | FalcoHttpConfig;

export interface SourceDeps {
  log: Log;
  /** Sees each message as it came, before anything else does. */
  tap?: (message: Buffer, shape: RecordingShape) => void;
  /** Falco over HTTP: gets each body that holds an alert, unchanged. */
  relay?: (body: Buffer, contentType: string) => void;
  /** A file that is followed: where a former source of this name stopped, and where this one will. */
  bookmark?: FileBookmark;
  /** What canaries look like, where a sensor has to be asked for them. */
  canary?: CanarySign;
}

/**
 * Constructs a source of any kind; touches nothing outside the process. A new kind gets a line here and one in
 * the configuration's list. Throws LannerError `config_invalid`.
 */
export function openSource(name: string, config: SourceConfig, deps: SourceDeps): Source {
  const { log, tap, relay, canary, bookmark } = deps;
  const tapAs = (shape: RecordingShape) =>
    tap === undefined ? {} : { tap: (message: Buffer) => tap(message, shape) };
  switch (config.type) {
    case 'tetragon':
      return openTetragon(name, config, { log, ...tapAs('frames'), ...(canary !== undefined && { canary }) });
    case 'tetragon_file':
      return openTetragonFile(name, config, { log, bookmark, ...tapAs('lines') });
    case 'falco_grpc':
      return openFalcoGrpc(name, config, { log, ...tapAs('frames') });
    case 'falco_http':
      return openFalcoHttp(name, config, { log, ...tapAs('lines'), ...(relay !== undefined && { relay }) });
  }
}

/**
 * Looks whether a source that listens could: its address (unless `taken` by ourselves) and its certificates. Rejects
 * with LannerError `listen_failed`, `tls_file`. Others connect by themselves, sooner or later.
 */
export async function checkListen(name: string, config: SourceConfig, taken: boolean): Promise<void> {
  if (config.type === 'falco_http') await checkFalcoHttp(name, config, taken);
}
