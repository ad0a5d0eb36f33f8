import { readdirSync, readFileSync } from 'node:fs';
import { messageOf } from './lib/errors.ts';
import { loadYaml } from './lib/yaml-config.ts';
import { type Preset, presetSchema } from './route/presets-schema.ts';

const folder = new URL('./route/presets/', import.meta.url);
const read = new Map<string, Preset>();
let known: readonly string[] | undefined;

/** Names of the presets that come with Lanner, sorted. */
export function presetNames(): readonly string[] {
  known ??= readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.replace(/\.yaml$/, ''))
    .sort();
  return known;
}

/** One of `presetNames`. Throws an Error on another name, or if the file is broken: then the build is. */
export function presetOf(name: string): Preset {
  const present = read.get(name);
  if (present !== undefined) return present;
  const loaded = loadYaml(presetText(name), presetSchema, {});
  if (!loaded.ok)
    throw new Error(
      `preset ${name}: ${loaded.problems.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    );
  read.set(name, loaded.value);
  return loaded.value;
}

/** The preset as it is written. */
export function presetText(name: string): string {
  if (!presetNames().includes(name)) throw new Error(`there is no preset ${name}`);
  try {
    return readFileSync(new URL(`${name}.yaml`, folder), 'utf8');
  } catch (error) {
    throw new Error(`preset ${name}: ${messageOf(error)}`, { cause: error });
  }
}
