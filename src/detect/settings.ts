/** The configuration, compiled once. */
import type { Severity } from '../model/finding.ts';
import type { DetectConfig } from './config.ts';
import { compileImages, type ImageMatch, type ImageName } from './image.ts';
import { buildImages, debugImages, monitoringImages, purposeImages } from './lists/images.ts';
import { buildLocate, type Locate } from './location.ts';
import { type ReadOnce, readOnce } from './read-once.ts';
import { buildTaxonomy, type Taxonomy } from './taxonomy.ts';
import type { Tool } from './tools/index.ts';

export interface Settings {
  taxonomy: Taxonomy;
  read: ReadOnce;
  locate: Locate;
  /** Points by indicator id, where the operator changed them. */
  weights: Readonly<Record<string, number>>;
  thresholds: DetectConfig['thresholds'];
  disabled: ReadonlySet<string>;
  seen_before_lowers: number;
  /** Texts leave without credentials. */
  redact: boolean;
  isPurpose(image: ImageName, tool: Tool): boolean;
  isDebug: ImageMatch;
  isMonitoring: ImageMatch;
  isBuild: ImageMatch;
}

/** Compiles the configuration. */
export function buildSettings(config: DetectConfig): Settings {
  const purposes = [...purposeImages, ...config.images.purpose].map((entry) => ({
    matches: compileImages(entry.images),
    tools: new Set(entry.tools),
  }));
  const purposeOf = remembered((image) =>
    purposes.filter((entry) => entry.matches(image)).map((entry) => entry.tools),
  );
  const taxonomy = buildTaxonomy(config.tools);
  return {
    taxonomy,
    read: readOnce(taxonomy),
    locate: buildLocate(config.locations),
    weights: config.weights,
    thresholds: config.thresholds,
    disabled: new Set(config.disabled_indicators),
    seen_before_lowers: config.seen_before_lowers,
    redact: config.redact,
    isPurpose: (image, tool) =>
      purposeOf(image).some((tools) => tools.has(tool.id) || tools.has(tool.category)),
    isDebug: remembered(compileImages([...debugImages, ...config.images.debug])),
    isMonitoring: remembered(compileImages([...monitoringImages, ...config.images.monitoring])),
    isBuild: remembered(compileImages([...buildImages, ...config.images.build])),
  };
}

const REMEMBERED = 512;

/** Answers by image name: containers of few images run most processes. */
function remembered<T>(test: (image: ImageName) => T): (image: ImageName) => T {
  const answers = new Map<string, T>();
  return (image) => {
    const known = answers.get(image.full);
    if (known !== undefined) return known;
    const answer = test(image);
    if (answers.size >= REMEMBERED) answers.clear();
    answers.set(image.full, answer);
    return answer;
  };
}

/** The severity a score stands for. */
export function severityOf(score: number, thresholds: DetectConfig['thresholds']): Severity {
  if (score >= thresholds.critical) return 'critical';
  if (score >= thresholds.high) return 'high';
  if (score >= thresholds.medium) return 'medium';
  if (score >= thresholds.low) return 'low';
  return score >= thresholds.info ? 'info' : 'none';
}
