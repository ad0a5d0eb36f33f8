import type { Context } from '../context.ts';
import { short, strongPlace } from '../phrases.ts';
import type { Indicator } from './types.ts';

const PACKAGE_DIRECTORY = /^\/(?:usr\/(?:local\/)?)?s?bin\/|^\/usr\/(?:lib|libexec|share)\//;

/** True if drift was seen on a file where package managers install. */
export function isInstalled(context: Context): boolean {
  return (
    context.process.file?.upper_layer === true &&
    context.files.some((file) => PACKAGE_DIRECTORY.test(file.location.path))
  );
}

/** Not part of the image. */
export const drift: Indicator = {
  id: 'drift',
  points: 25,
  hard: false,
  mitre: ['T1105'],
  title: 'Not part of the image',
  description:
    'The file lies in the writable layer of the container. In a directory of packages it was probably installed (15); images that change owners at start look the same. Said once: a stronger fact about the place replaces it.',
  evaluate(context) {
    const { process, files } = context;
    if (process.file?.upper_layer !== true) return undefined;
    if (
      files.some(
        (file) =>
          strongPlace(file.location.classes) !== undefined || file.location.classes.includes('deleted'),
      )
    )
      return undefined;
    const path = files[0]?.location.path ?? process.argv[0] ?? '';
    return {
      ...(isInstalled(context) ? { points: 15 } : {}),
      evidence: short(path),
      why: `${short(path)} is not part of the image (upper layer)`,
    };
  },
  examples: {
    fires: [
      { run: '/usr/bin/nmap -sT 10.0.0.5', file: { upper_layer: true } },
      { run: '/opt/x/nc db 5432', file: { upper_layer: true } },
    ],
    silent: [{ run: '/usr/bin/nmap -sT 10.0.0.5' }, { run: '/tmp/nc db 5432', file: { upper_layer: true } }],
  },
};
