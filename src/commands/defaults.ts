import { type Config, loadConfig, parseConfig } from '../config.ts';

/** What is judged by when no configuration is given: all defaults. */
const defaults = 'version: 1\nsources: {replay: {type: tetragon}}\nlog: {level: warn}\n';

/** The configuration in `file`; without one, the defaults. Throws LannerError as `loadConfig`. */
export function configOrDefaults(file: string | undefined): Config {
  return file === undefined ? parseConfig(defaults, 'defaults') : loadConfig(file);
}
