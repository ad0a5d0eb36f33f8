import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Paths of metadata services that give out credentials. */
export const CREDENTIAL_PATH =
  /security-credentials|\/iam(?:\/|$)|identity-credentials|\/v[0-9]+\/credentials|^\/?v2\/credentials|\/credentials(?:[/?]|$)|service-accounts\/[^/]*\/(?:token|identity|\?recursive)|service-accounts\/?(?:\?|$)|[?&]recursive=true|oauth2\/token|managedidentity|\/ram\/|cam\/|instance_principal|\/opc\/v[12]\/identity|instance\/attributes\/(?:kube-env|ssh-keys|startup-script)|(?:kube-env|ssh-keys)(?:$|\?)/i;

/** Asks a metadata service for credentials. */
export const cloudCreds: Indicator = {
  id: 'cloud_creds',
  points: 60,
  hard: true,
  in_strings: true,
  mitre: ['T1552.005'],
  title: 'Credentials of the cloud instance',
  description:
    "A credential or token path of a cloud's metadata service is asked for, in any spelling of its address: 169.254.169.254, decimal, hexadecimal, IPv6, 169.254.170.2, metadata.google.internal, 100.100.100.200.",
  evaluate({ invocation, process }) {
    for (const peer of invocation.peers) {
      if (peer.class !== 'metadata') continue;
      const path = peer.path ?? peer.request_path ?? '';
      const byVariable = /AWS_CONTAINER_CREDENTIALS/.test(process.arguments ?? process.argv.join(' '));
      if (!CREDENTIAL_PATH.test(path) && !byVariable) continue;
      return {
        evidence: short(peer.text),
        why: `it asks the metadata service of the cloud for credentials (${short(peer.text, 160)})`,
      };
    }
    return undefined;
  },
  examples: {
    fires: [
      { run: 'curl -s http://169.254.169.254/latest/meta-data/iam/security-credentials/' },
      { run: 'curl -s http://2852039166/latest/meta-data/iam/security-credentials/role' },
      { run: 'wget -qO- http://[fd00:ec2::254]/latest/meta-data/iam/security-credentials/' },
      {
        run: 'curl -H "Metadata-Flavor: Google" http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token',
      },
    ],
    silent: [
      { run: 'curl -s http://169.254.169.254/latest/meta-data/placement/availability-zone' },
      { run: 'curl http://api.example.com/iam/security-credentials/' },
    ],
  },
};
