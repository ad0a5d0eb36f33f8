import { canary } from './canary.ts';
import type { Check } from './check.ts';
import { clock } from './clock.ts';
import { enrichment } from './enrichment.ts';
import { exceptions } from './exceptions.ts';
import { falcoConsumers, falcoGrpc, falcoHttp, falcoSettings } from './falco.ts';
import { files } from './files.ts';
import { losses } from './losses.ts';
import { nodeVersion, openFiles, user } from './process.ts';
import { running } from './running.ts';
import { sinks } from './sinks.ts';
import { socketModes } from './socket-modes.ts';
import { stateDir } from './state-dir.ts';
import { tetragon } from './tetragon.ts';

/** Every check, in the order they are run and shown. Connections are counted before the doctor opens its own. */
export const checks: readonly Check[] = [
  nodeVersion,
  user,
  openFiles,
  stateDir,
  files,
  exceptions,
  running,
  socketModes,
  falcoConsumers,
  falcoSettings,
  falcoGrpc,
  falcoHttp,
  tetragon,
  canary,
  losses,
  sinks,
  enrichment,
  clock,
];
