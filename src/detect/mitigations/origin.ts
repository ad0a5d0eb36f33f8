import type { Mitigation } from '../indicators/types.ts';
import { short } from '../phrases.ts';

/** The container's own first process. */
export const ownProcess: Mitigation = {
  id: 'own_process',
  points: -15,
  title: "The container's own process",
  description:
    "The tool is the container's first process or stands in the command the container was declared with.",
  group: 'origin',
  evaluate({ own_process, server }) {
    if (!own_process || server) return undefined;
    return {
      evidence: 'first process',
      why: "it is the container's own process, as its image or pod declares it",
    };
  },
  examples: {
    fires: [{ run: 'nc -z db 5432', by: ["sh -c 'nc -z db 5432'"] }],
    silent: [{ run: 'nc -z db 5432', by: ['sh', 'nginx'] }],
  },
};

/** A start script or a scheduler. */
export const startScript: Mitigation = {
  id: 'start_script',
  points: -15,
  title: 'Start script or scheduled job',
  description: 'A script from an ordinary place, or cron, started it; no terminal, no server above.',
  group: 'origin',
  evaluate({ start_script, scheduler, process, server, interactive }) {
    if (process.tty === true || interactive || server) return undefined;
    if (start_script !== undefined)
      return { evidence: short(start_script), why: `the script ${short(start_script)} started it` };
    return scheduler && { evidence: scheduler.name, why: `${scheduler.name} started it at its time` };
  },
  examples: {
    fires: [
      { run: 'nslookup db.example.net', by: ['sh /usr/local/bin/docker-entrypoint.sh'] },
      { run: 'nslookup db.example.net', by: ['sh', 'crond -f'] },
    ],
    silent: [
      { run: 'nslookup db.example.net', by: ['sh /tmp/x.sh'] },
      { run: 'nslookup db.example.net', by: ['sh /usr/local/bin/x.sh'], tty: true },
    ],
  },
};
