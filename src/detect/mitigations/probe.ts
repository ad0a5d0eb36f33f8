import type { Mitigation } from '../indicators/types.ts';

/** An exec probe of the container. */
export const execProbe: Mitigation = {
  id: 'exec_probe',
  points: -15,
  title: 'Exec probe',
  description:
    "The command is the container's liveness, readiness or startup probe, a lifecycle hook or the image's HEALTHCHECK. No amnesty: hard facts ignore it.",
  group: 'probe',
  evaluate({ probe }) {
    return probe ? { evidence: 'exec probe', why: 'it is a declared probe of the container' } : undefined;
  },
  examples: {
    fires: [{ run: 'nslookup db.example.net', by: [], in_init_tree: false, exec_probe: true }],
    silent: [{ run: 'nslookup db.example.net', by: [], in_init_tree: false }],
  },
};

/** Waits until something is there. */
export const waitLoop: Mitigation = {
  id: 'wait_loop',
  points: -15,
  title: 'Wait loop',
  description: 'The shell repeats it until it works: until nslookup db; do sleep 2; done.',
  group: 'loop',
  evaluate({ relation, server }) {
    if (!relation?.wait_loop || server) return undefined;
    return { evidence: 'until/while', why: 'the shell repeats it until it works' };
  },
  examples: {
    fires: [
      { run: 'nslookup db.example.net', by: ["sh -c 'until nslookup db.example.net; do sleep 2; done'"] },
    ],
    silent: [{ run: 'nslookup db.example.net', by: ["sh -c 'nslookup db.example.net'"] }],
  },
};
