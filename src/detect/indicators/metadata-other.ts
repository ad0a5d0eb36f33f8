import { short } from '../phrases.ts';
import { CREDENTIAL_PATH } from './cloud-creds.ts';
import type { Indicator } from './types.ts';

/** Asks a metadata service for something else. */
export const metadataOther: Indicator = {
  id: 'metadata_other',
  points: 15,
  hard: false,
  mitre: ['T1552.005'],
  title: 'Metadata service of the cloud',
  description:
    "A path of a cloud's metadata service that gives no credentials: availability zone, instance id, session token. User data counts more, since secrets often stand in it.",
  evaluate({ invocation }) {
    const peer = invocation.peers.find((entry) => entry.class === 'metadata');
    if (!peer || CREDENTIAL_PATH.test(peer.path ?? '')) return undefined;
    const userData = /user-?data|customdata/i.test(peer.path ?? '');
    return {
      ...(userData ? { points: 30 } : {}),
      evidence: short(peer.text),
      why: `it asks the metadata service of the cloud (${short(peer.text, 160)})`,
    };
  },
  examples: {
    fires: [
      { run: 'curl -s http://169.254.169.254/latest/meta-data/instance-id' },
      { run: 'nc 169.254.169.254 80' },
    ],
    silent: [
      { run: 'curl -s http://169.254.1.1/' },
      { run: 'curl -s http://169.254.169.254/latest/meta-data/iam/security-credentials/' },
    ],
  },
};
