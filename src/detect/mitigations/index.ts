import type { Mitigation } from '../indicators/types.ts';
import { buildAncestor, buildStep } from './build.ts';
import { debugImage, monitoringImage, purposeImage } from './image.ts';
import { ownProcess, startScript } from './origin.ts';
import { execProbe, waitLoop } from './probe.ts';
import { internalTarget } from './target.ts';

/** Every reason that lowers a score. */
export const mitigations: readonly Mitigation[] = [
  ownProcess,
  startScript,
  buildAncestor,
  buildStep,
  execProbe,
  waitLoop,
  internalTarget,
  purposeImage,
  monitoringImage,
  debugImage,
];
