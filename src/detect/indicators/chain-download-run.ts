import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Memory: this container downloaded and made executable before. */
export const chainDownloadRun: Indicator = {
  id: 'chain_download_run',
  points: 30,
  hard: true,
  mitre: ['T1105', 'T1204.002'],
  title: 'Download, chmod, run in one container',
  description:
    'Shortly before, the same container downloaded a file and made it executable or ran it. Known only with state.',
  evaluate({ state }) {
    const download = state.chain?.find((step) => step.step === 'download');
    if (!download) return undefined;
    const what = state.chain?.map((step) => short(step.text, 80)).join(', then ') ?? '';
    return { evidence: short(what), why: `it ends a chain in this container: ${short(what)}`, at_least: 65 };
  },
  examples: { fires: [], silent: [{ run: '/usr/bin/curl http://files.example.com/x' }] },
};
