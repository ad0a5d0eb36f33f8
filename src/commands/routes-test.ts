import { readFileSync } from 'node:fs';
import { type Config, loadConfig } from '../config.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import type { Finding } from '../model/finding.ts';
import { explainRoutes } from '../route/tree.ts';
import { routerOf } from '../service/judging.ts';
import { exitCodes } from './exit-codes.ts';
import { testFinding } from './test-finding.ts';

export interface RoutesTestFlags {
  config: string;
  /** `path=value`, set in the finding: `severity=critical`, `exec.pod.namespace=prod`; without value, removed. */
  set: readonly string[];
  /** Names of the sinks that must be taken, separated by commas; `none` for none. */
  expect?: string;
  json?: boolean;
}

/**
 * `lanner routes test [FINDING]`: which routes and sinks a finding takes and why, by the code that routes. Ends
 * with `found` if the sinks are not the expected ones. `file` holds findings as JSON, one a line or a single
 * one; without it, an example.
 */
export function routesTest(
  file: string | undefined,
  flags: RoutesTestFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): number {
  const config: Config = loadConfig(flags.config);
  const router = routerOf(config);
  const findings = file === undefined ? [testFinding(new Date())] : readFindings(file);
  let asExpected = true;
  for (const finding of findings.map((each) => withChanges(each, flags.set))) {
    const { lines, sinks } = explainRoutes(router, finding);
    const fits = flags.expect === undefined || sameSinks(sinks, flags.expect);
    if (!fits) asExpected = false;
    if (flags.json === true) {
      const { id, severity, title } = finding;
      write(`${JSON.stringify({ id, severity, title, sinks, steps: lines, as_expected: fits })}\n`);
      continue;
    }
    write(`${finding.severity} ${finding.title}\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
    write(`  sinks: ${sinks.join(', ') || 'none'}\n`);
    if (!fits) write(`  ✗ expected: ${flags.expect}\n`);
  }
  return asExpected ? exitCodes.ok.code : exitCodes.found.code;
}

function sameSinks(sinks: readonly string[], expect: string): boolean {
  const names = expect === 'none' ? [] : expect.split(',').map((name) => name.trim());
  return [...sinks].sort().join(',') === names.sort().join(',');
}

function readFindings(file: string): Finding[] {
  try {
    const text = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
    const whole = text.startsWith('[') ? (JSON.parse(text) as Finding[]) : undefined;
    if (whole) return whole;
    try {
      return [JSON.parse(text) as Finding];
    } catch {
      return text.split('\n').map((line) => JSON.parse(line) as Finding);
    }
  } catch (error) {
    throw new LannerError(
      'recording_unreadable',
      `${file}: ${messageOf(error)}`,
      'Give findings as JSON, one a line or a single one.',
      {
        cause: error,
      },
    );
  }
}

function withChanges(finding: Finding, changes: readonly string[]): Finding {
  const changed = structuredClone(finding);
  for (const change of changes) {
    const [, path, value] = /^([\w.-]+)(?:=(.*))?$/s.exec(change) ?? [];
    if (path === undefined)
      throw new LannerError(
        'usage',
        `--set ${change}: not path=value`,
        'Such as --set exec.pod.namespace=prod.',
      );
    setAt(changed as unknown as Record<string, unknown>, path.split('.'), value);
  }
  return changed;
}

function setAt(target: Record<string, unknown>, [key, ...rest]: string[], value: string | undefined): void {
  if (key === undefined || key === '__proto__') return;
  if (rest.length > 0) {
    const inner = target[key];
    const next = typeof inner === 'object' && inner !== null ? inner : {};
    target[key] = next;
    setAt(next as Record<string, unknown>, rest, value);
  } else if (value === undefined) delete target[key];
  else
    target[key] =
      typeof target[key] === 'number' || /^(true|false|\[.*\]|\{.*\})$/s.test(value)
        ? JSON.parse(value)
        : value;
}
