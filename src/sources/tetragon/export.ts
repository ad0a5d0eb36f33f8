import { messageOf } from '../../lib/errors.ts';
import { normalizeTime, secondsOf } from '../../lib/time.ts';
import type { CanaryCheck } from '../../model/canary.ts';
import type { Decode, Intake, ProcessMemory } from '../../model/intake.ts';
import { messageFromJson } from './json.ts';
import { decodeMessage, type TetragonMessage, type TetragonProcess } from './message.ts';
import { containerIdOf, normalizeMessage } from './normalize.ts';

/** Arguments kept in the process table, in characters; a finding's own event is never cut. */
const KEPT_ARGUMENTS = 2048;

/** Turns the bytes of one GetEventsResponse into an event. */
export function bytesDecoder(source: string, processes: ProcessMemory): Decode {
  return (bytes) => normalizeMessage(decodeMessage(bytes), source, processes);
}

/** Turns one line of Tetragon's JSON export into an event. */
export function lineDecoder(source: string, processes: ProcessMemory): Decode {
  return (line) => normalizeMessage(messageFromJson(line.toString('utf8')), source, processes);
}

/**
 * Takes lines of Tetragon's JSON export (the export file, `tetra getevents -o json`): the same counts, the same
 * process table, the same early test as for bytes.
 */
export function exportLines(intake: Intake, decode: Decode): (line: Buffer) => void {
  const { counts } = intake;
  return (line) => {
    counts.messages += 1;
    try {
      count(messageFromJson(line.toString('utf8')), line);
    } catch (error) {
      intake.unreadable('not_json', messageOf(error), line);
    }
  };

  function count(message: TetragonMessage, line: Buffer): void {
    if (message.process_exit !== undefined) {
      counts.exits += 1;
      const key = Buffer.from(message.process_exit.process?.exec_id ?? '');
      if (key.length > 0) intake.processes.exit(key, 0, key.length, secondsOf(message.time ?? '') || 0);
      return;
    }
    if (message.process_throttle !== undefined || message.rate_limit_info !== undefined) {
      counts.sensor_loss_reports += 1;
      counts.sensor_lost_events += Number(message.rate_limit_info?.number_of_dropped_process_events ?? 0);
      return;
    }
    const started = message.process_exec?.process;
    if (started === undefined) return;
    if (intake.canary !== undefined && isCanary(intake.canary, started)) return;
    const inContainer = containerIdOf(started) !== undefined;
    const running = started.flags?.includes('procFS') ?? false;
    if (running) counts.already_running += 1;
    else {
      counts.execs += 1;
      if (inContainer) counts.container_execs += 1;
    }
    if (!inContainer) return;
    remember(intake.processes, started);
    const parent = message.process_exec?.parent;
    if (parent !== undefined) remember(intake.processes, parent);
    if (running) return;
    rememberRecent(intake, started);
    if (isWanted(intake, started)) intake.offer(line, decode);
    else counts.early_rejected += 1;
  }
}

function isWanted({ interest }: Intake, process: TetragonProcess): boolean {
  return asBytes(process, interest.exec);
}

function isCanary(canary: CanaryCheck, process: TetragonProcess): boolean {
  return asBytes(process, canary.exec);
}

/** Asks a question that is put in bytes: path, then arguments. */
function asBytes({ binary = '', arguments: text = '' }: TetragonProcess, ask: CanaryCheck['exec']): boolean {
  const path = Buffer.from(binary);
  const bytes = Buffer.concat([path, Buffer.from(text)]);
  return ask(bytes, 0, path.length, path.length, bytes.length);
}

function rememberRecent({ recent }: Intake, process: TetragonProcess): void {
  const parts = [containerIdOf(process) ?? '', process.binary ?? '', process.arguments ?? ''].map((one) =>
    Buffer.from(one),
  );
  const [id, binary] = [parts[0]!.length, parts[0]!.length + parts[1]!.length];
  const bytes = Buffer.concat(parts);
  const seconds = secondsOf(normalizeTime(process.start_time ?? '') ?? '') || 0;
  recent.exec(bytes, 0, id, seconds, process.pid ?? 0, id, binary, binary, bytes.length);
}

function remember(processes: ProcessMemory, process: TetragonProcess): void {
  const { exec_id, parent_exec_id = '' } = process;
  if (exec_id === undefined || exec_id === '') return;
  const { pod: _pod, ...kept } = process;
  const container = containerIdOf(process);
  if (container !== undefined) kept.docker = container;
  if ((kept.arguments?.length ?? 0) > KEPT_ARGUMENTS) {
    kept.arguments = kept.arguments!.slice(0, KEPT_ARGUMENTS);
    kept.flags = `${kept.flags ?? ''} truncArgs`;
  }
  const keys = Buffer.from(exec_id + parent_exec_id);
  const payload = Buffer.from(JSON.stringify(kept));
  const split = Buffer.byteLength(exec_id);
  const seconds = secondsOf(process.start_time ?? '') || 0;
  processes.put(keys, 0, split, split, keys.length, seconds, payload, payload.length);
}
