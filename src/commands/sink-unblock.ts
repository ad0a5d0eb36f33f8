import { loadConfig } from '../config.ts';
import { askControl } from '../http/control.ts';
import { LannerError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { DelivererStatus } from '../model/delivery.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * `lanner sink unblock NAME`: the running Lanner asks a sink again at once that it had parked, disabled, paused
 * or found broken. Throws LannerError `socket_missing` if none runs, `usage` if it has no such sink.
 */
export async function sinkUnblock(
  name: string,
  configFile: string,
  json: boolean,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const path = controlSocket(stateDirectory(loadConfig(configFile)));
  const { sinks } = (await ask(path, 'status')) as DelivererStatus;
  const sink = sinks.find((one) => one.name === name);
  if (sink === undefined)
    throw unknown(
      name,
      sinks.map((one) => one.name),
    );
  const tell = (asked: boolean, text: string) =>
    write(
      json
        ? `${JSON.stringify({ sink: name, state: sink.state, detail: sink.detail, waiting: sink.waiting, asked_again: asked })}\n`
        : text,
    );
  if (sink.state === 'flowing') {
    tell(false, `${name} is not blocked; ${sink.waiting} wait\n`);
    return exitCodes.ok.code;
  }
  await ask(path, 'sink_unblock', { sink: name });
  const why = sink.detail === undefined ? '' : ` (${sink.detail})`;
  tell(true, `${name} was ${sink.state}${why} and is asked again; ${sink.waiting} wait\n`);
  return exitCodes.ok.code;
}

async function ask(path: string, command: string, input?: unknown): Promise<unknown> {
  const reply = await askControl(path, command, input);
  if (reply) return reply.value;
  throw new LannerError(
    'socket_missing',
    `no Lanner runs that listens at ${path}`,
    'Nothing is blocked then: each start asks every sink anew. Check state_dir if one should run.',
  );
}

function unknown(name: string, known: string[]): LannerError {
  const near = nearest(name, known);
  return new LannerError(
    'usage',
    `there is no sink ${JSON.stringify(name)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    `Known: ${known.join(', ') || 'none'}.`,
  );
}
