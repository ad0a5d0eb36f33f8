import { LannerError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { presetNames, presetOf, presetText } from '../presets.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * `lanner exceptions presets`: the presets in a line each or, by name, as they are written. Throws LannerError
 * `usage` for a name that is none.
 */
export function exceptionPresets(
  names: readonly string[],
  flags: { json: boolean },
  write: (text: string) => void = (text) => process.stdout.write(text),
): number {
  const unknown = names.find((name) => !presetNames().includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, presetNames());
    const meant = near === undefined ? '' : `; did you mean ${near}?`;
    throw new LannerError(
      'usage',
      `there is no preset ${unknown}${meant}`,
      'lanner exceptions presets lists them.',
    );
  }
  const asked = names.length === 0 ? presetNames() : names;
  if (flags.json) for (const name of asked) write(`${JSON.stringify({ name, ...presetOf(name) })}\n`);
  else if (names.length > 0) write(asked.map(presetText).join('---\n'));
  else
    write(
      `${list()}\nSwitched on with \`exceptions_presets: [NAME]\`; shown with \`lanner exceptions presets NAME\`.\n`,
    );
  return exitCodes.ok.code;
}

function list(): string {
  const width = Math.max(...presetNames().map((name) => name.length));
  return presetNames()
    .map((name) => `${name.padEnd(width)}  ${presetOf(name).title}\n`)
    .join('');
}
