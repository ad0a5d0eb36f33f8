import type { Context } from '../context.ts';
import type { Mitigation } from '../indicators/types.ts';
import { short } from '../phrases.ts';

/** What no start script and no declared command does by habit; images made for it may. */
const TELLING = new Set([
  'port_range',
  'batch_or_list',
  'txt_null_any',
  'socks_onion_proxy',
  'odd_scheme',
  'nested_shells',
  'bulky_request',
]);
/** A script may speak to its own service on any port; a declared command or cron line that does so says more. */
const TELLING_ALONE = new Set(['unusual_port']);

function tells(context: Context, hits: readonly { id: string }[]): boolean {
  return !context.purpose_image && hits.some((hit) => TELLING.has(hit.id));
}

/** A daemon of the image started it: `containerboot` of tailscale. */
function isDaemonOfImage({ purpose_image, process, interactive, chain }: Context): boolean {
  if (!purpose_image || interactive || process.in_init_tree === false) return false;
  return (
    chain.length <= 2 && chain.every((ancestor) => ancestor.role === 'init' || ancestor.role === 'other')
  );
}

/** The container's own first process. */
export const ownProcess: Mitigation = {
  id: 'own_process',
  points: -15,
  title: "The container's own process",
  description:
    "The tool is the container's first process or stands in the command the container was declared with.",
  group: 'origin',
  evaluate(context, hits) {
    if (context.server || tells(context, hits) || hits.some((hit) => TELLING_ALONE.has(hit.id)))
      return undefined;
    if (!context.own_process && !isDaemonOfImage(context)) return undefined;
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
  evaluate(context, hits) {
    const { start_script, scheduler, process, server, interactive } = context;
    if (process.tty === true || interactive || server || tells(context, hits)) return undefined;
    if (start_script !== undefined)
      return { evidence: short(start_script), why: `the script ${short(start_script)} started it` };
    if (scheduler === undefined || hits.some((hit) => TELLING_ALONE.has(hit.id))) return undefined;
    return { evidence: scheduler.name, why: `${scheduler.name} started it at its time` };
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
