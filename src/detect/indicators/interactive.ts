import { isInstalled } from './drift.ts';
import type { Indicator } from './types.ts';

/** A person types. */
export const interactive: Indicator = {
  id: 'interactive',
  points: 12,
  hard: false,
  mitre: ['T1609'],
  title: 'Interactive',
  description:
    'A terminal is attached, or it was entered from outside below a bare shell and is no probe. A tool just installed by hand is one story and counted by drift.',
  evaluate(context) {
    if (!context.interactive || isInstalled(context)) return undefined;
    const tty = context.process.tty === true;
    return {
      evidence: tty ? 'tty' : 'entered from outside',
      why: tty
        ? 'a terminal is attached: a person seems to type'
        : 'it was started in a session entered from outside (kubectl exec or docker exec)',
    };
  },
  examples: {
    fires: [{ run: 'nslookup www.example.com', tty: true, in_init_tree: false, by: ['bash'] }],
    silent: [{ run: 'nslookup www.example.com' }],
  },
};
