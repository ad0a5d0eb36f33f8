import { type Config, nodeName } from '../config.ts';
import { createDetector, redactEvent, redactTexts } from '../detect/index.ts';
import { rfc3339 } from '../lib/time.ts';
import type { Finding, Severity } from '../model/finding.ts';
import type { Detector } from '../model/intake.ts';
import { compileExceptions, type Exceptions, expiredExceptions } from '../route/exceptions.ts';
import { compileRoutes, lowestSeverity, type Router } from '../route/tree.ts';

/** What a configuration makes of an exec, from the judgement to the sinks: pure, so that it can be swapped. */
export interface Judging {
  detector: Detector;
  exceptions: Exceptions;
  router: Router;
  /** Findings below are not made. */
  minSeverity: Severity;
  /** Takes credentials out of a finding before it leaves; absent: it leaves as it is. */
  redact?: (finding: Finding) => Finding;
}

/** Compiles what was validated; throws an Error on what validation should have refused. */
export function openJudging(config: Config): Judging {
  return {
    detector: createDetector(config.detect),
    exceptions: compileExceptions(config.exceptions),
    router: routerOf(config),
    minSeverity: lowestSeverity(config.route, traitsOf(config)),
    ...(config.detect.redact && { redact: redactFinding }),
  };
}

/** Where this Lanner runs, for events whose sensor does not tell. */
export function placeOf(config: Config): { node: string; cluster?: string } {
  return { node: nodeName(config), ...(config.cluster !== undefined && { cluster: config.cluster }) };
}

export function routerOf(config: Config): Router {
  return compileRoutes(config.route, traitsOf(config));
}

/** Exceptions that do not apply any more. */
export function expiredNow(config: Pick<Config, 'exceptions'>): ReturnType<typeof expiredExceptions> {
  return expiredExceptions(config.exceptions, rfc3339(Math.floor(Date.now() / 1000), 0));
}

function traitsOf(config: Config): { name: string; min_severity: Severity | undefined }[] {
  return Object.entries(config.sinks).map(([name, sink]) => ({
    name,
    min_severity: 'min_severity' in sink ? sink.min_severity : undefined,
  }));
}

/** Credentials are taken out of everything the judgement itself did not write. */
function redactFinding(finding: Finding): Finding {
  const exec = redactEvent(finding.exec);
  const related = finding.related && redactTexts(finding.related);
  const context = finding.context && redactTexts(finding.context);
  if (exec === finding.exec && related === finding.related && context === finding.context) return finding;
  return {
    ...finding,
    exec,
    ...(related !== undefined && { related }),
    ...(context !== undefined && { context }),
  };
}
