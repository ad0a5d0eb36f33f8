import { short } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Carries other connections. */
export const portForward: Indicator = {
  id: 'port_forward',
  points: 30,
  hard: true,
  in_strings: true,
  mitre: ['T1572', 'T1090.001'],
  title: 'Port forward',
  description:
    'ssh -L, -R, -D, -w, or socat between a listener and a connection (10 more): other connections pass through this container. As the own process of an image made for it, it counts little.',
  evaluate({ invocation, tool, own_process, purpose_image, server }) {
    const forward = invocation.forwards[0];
    if (!forward || (tool.category === 'tunnel' && tool.id !== 'autossh')) return undefined;
    const text = `${forward.option} ${forward.text}`;
    const relay =
      tool.id === 'socat' &&
      invocation.listen !== undefined &&
      invocation.peers.some((peer) => peer.role === 'connect' && peer.class !== 'unix');
    const declared = own_process && purpose_image && !server;
    return {
      ...(declared ? { points: 5, hard: false } : relay ? { points: 40 } : {}),
      evidence: short(text),
      why: `other connections pass through it (${short(text, 120)})`,
    };
  },
  examples: {
    fires: [
      { run: 'ssh -fN -R 9000:localhost:22 u@203.0.113.9' },
      { run: 'ssh -ND 1080 u@jump.example.com' },
      { run: 'socat TCP-LISTEN:9000,fork TCP:10.0.0.5:3306' },
    ],
    silent: [{ run: 'ssh u@jump.example.com uptime' }, { run: 'socat - TCP:10.0.0.5:3306' }],
  },
};
