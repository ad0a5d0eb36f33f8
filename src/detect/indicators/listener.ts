import type { Indicator } from './types.ts';

/** Waits for connections from outside. */
export const listener: Indicator = {
  id: 'listener',
  points: 25,
  hard: false,
  mitre: ['T1571'],
  title: 'Listens for connections',
  description:
    'The tool waits for connections on an address other than loopback. 0.0.0.0 and :: as bind address are everyone, not loopback.',
  evaluate({ invocation, own_process, purpose_image }) {
    const { listen } = invocation;
    if (!listen || invocation.serves !== undefined) return undefined;
    if (own_process && purpose_image) return undefined;
    const peer = invocation.peers.find((entry) => entry.role === 'listen');
    if (peer?.class === 'loopback' || peer?.class === 'unix') return undefined;
    const at = `${listen.address || '*'}${listen.port === undefined ? '' : `:${listen.port}`}`;
    return {
      evidence: at,
      why: `it listens on ${at}${listen.persistent ? ' for any number of connections' : ''}`,
    };
  },
  examples: {
    fires: [{ run: 'nc -lvnp4444' }, { run: 'nc -l 0.0.0.0 4444' }, { run: 'ncat -lk 8080' }],
    silent: [{ run: 'nc -l 127.0.0.1 4444' }, { run: 'nc db 4444' }],
  },
};
