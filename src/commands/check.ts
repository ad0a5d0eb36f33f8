import { parseDocument } from 'yaml';
import { canarySign } from '../canary/program.ts';
import { type Config, loadConfig, parseExceptions, readConfigFile } from '../config.ts';
import { canarySources } from '../service/canary.ts';
import { openService } from '../service/index.ts';
import { expiredNow } from '../service/judging.ts';
import { hidesCanary } from '../sources/canary-sight.ts';
import { silentLog } from '../telemetry/log.ts';
import { version } from '../version.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * Builds everything the configuration asks for and touches nothing; a file that holds nothing but exceptions is
 * checked as such. Throws LannerError for each problem.
 */
export function check(file: string, json: boolean): number {
  if (file !== '-' && isExceptionsFile(readConfigFile(file))) return checkExceptions(file, json);
  const config = loadConfig(file);
  warnOfExpired(config);
  warnOfHiddenCanaries(config);
  openService({ config, version, log: silentLog });
  if (json) process.stdout.write(`${JSON.stringify(withoutSecrets(config), null, 2)}\n`);
  else process.stdout.write(`${summaryOf(file, config)}\n`);
  return exitCodes.ok.code;
}

function isExceptionsFile(text: string): boolean {
  const document: unknown = parseDocument(text).toJS({ maxAliasCount: 100 });
  return typeof document === 'object' && document !== null && Object.keys(document).join() === 'exceptions';
}

function checkExceptions(file: string, json: boolean): number {
  const exceptions = parseExceptions(readConfigFile(file), file);
  warnOfExpired({ exceptions });
  process.stdout.write(
    json
      ? `${JSON.stringify({ exceptions }, null, 2)}\n`
      : `${file} is valid\n  exceptions  ${exceptions.map(({ name }) => name).join(', ') || 'none'}\n`,
  );
  return exitCodes.ok.code;
}

function warnOfExpired(config: Pick<Config, 'exceptions'>): void {
  for (const { name, expires, owner } of expiredNow(config))
    process.stderr.write(
      `warning: the exception ${name}${owner === undefined ? '' : ` of ${owner}`} expired ${expires} and does not apply\n`,
    );
}

function warnOfHiddenCanaries(config: Config): void {
  for (const name of canarySources(config)) {
    const why = hidesCanary(config.sources[name]!, canarySign());
    if (why !== undefined)
      process.stderr.write(`warning: the source ${name} may never report the canary: ${why}\n`);
  }
}

function summaryOf(file: string, config: Config): string {
  const list = (parts: Record<string, { type: string }>) =>
    Object.entries(parts)
      .map(([name, { type }]) => `${name} (${type})`)
      .join(', ') || 'none';
  return `${file} is valid\n  sources  ${list(config.sources)}\n  sinks    ${list(config.sinks)}${
    config.exceptions.length === 0
      ? ''
      : `\n  exceptions  ${config.exceptions.map(({ name }) => name).join(', ')}`
  }`;
}

const secretKeys = /^(bearer|password|secrets|token|headers|auth|proxy|routing_key)$/;

/** Whatever may hold a secret is replaced as a whole; of URLs only the origin stays. */
export function withoutSecrets(value: unknown, key = ''): unknown {
  if (secretKeys.test(key) && value !== undefined && !isEmpty(value)) return '[hidden]';
  if (typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)) {
    const { origin, pathname } = new URL(value);
    return pathname === '/' ? origin : `${origin}/[hidden]`;
  }
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withoutSecrets(inner, name)]),
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
