import { fileURLToPath } from 'node:url';
import type { FalcoInstall } from '../host/falco.ts';

/** Something an operator has to do, or may do, outside Lanner. */
export interface Advice {
  /** `missing`: no events come before it is done. `better`: they come, and less than there could be. */
  weight: 'missing' | 'better';
  text: string;
  /** Lines to write or type, as they are. */
  lines: string[];
}

/** The rules that come with this Lanner. */
export const rulesFile = fileURLToPath(new URL('../../../deploy/falco/lanner_rules.yaml', import.meta.url));

/** What falco.yaml has to say so that alerts reach the gRPC output, and Falco outlives them. */
export function grpcAdvice(falco: FalcoInstall): Advice[] {
  const { config, configFile } = falco;
  if (config === undefined) return [];
  const advice: Advice[] = [];
  if (!config.grpc || !config.grpcOutput)
    advice.push({
      weight: 'missing',
      text: `Falco's gRPC output is off: write into ${configFile}, then restart Falco`,
      lines: [
        'grpc:',
        '  enabled: true',
        `  bind_address: "${config.bindAddress}"`,
        '  threadiness: 0',
        'grpc_output:',
        '  enabled: true',
      ],
    });
  if (config.jsonOutput)
    advice.push({
      weight: 'missing',
      text: `DANGER: with json_output: true this Falco exits when a rule prints an argument that is no valid UTF-8. Write into ${configFile} (the gRPC output does not need it)`,
      lines: ['json_output: false'],
    });
  return advice;
}

/** What falco.yaml has to say so that alerts are posted to `url`. */
export function httpAdvice(falco: FalcoInstall, url: string): Advice[] {
  const { config, configFile } = falco;
  if (config?.jsonOutput === true && config.httpOutput && config.httpUrl === url) return [];
  return [
    {
      weight: 'missing',
      text: `Falco does not post to Lanner yet: write into ${configFile}, then restart Falco`,
      lines: ['json_output: true', 'http_output:', '  enabled: true', `  url: "${url}"`],
    },
  ];
}

/** Falco sends what its rules match, and its stock rules match next to nothing that Lanner judges. */
export function rulesAdvice({ ourRules, config }: FalcoInstall): Advice[] {
  if (config === undefined || ourRules.includes('Lanner Canary')) return [];
  const folder = config.rulesFiles.find((path) => /rules\.d\/?$/.test(path)) ?? '/etc/falco/rules.d';
  return [
    {
      weight: ourRules.length === 0 ? 'missing' : 'better',
      text:
        ourRules.length === 0
          ? "Falco has none of Lanner's rules, and its stock rules send next to nothing: load them, then restart Falco"
          : "Falco has Lanner's rules of another version, without the rule Lanner Canary: load them again, then restart Falco",
      lines: [`cp ${rulesFile} ${folder.replace(/\/$/, '')}/`],
    },
  ];
}

/** That files could not be read, and how they can. */
export function deniedAdvice({ configFile, denied }: FalcoInstall): Advice[] {
  if (!denied) return [];
  return [
    {
      weight: 'better',
      text: `${configFile} may not be read by this user, so Falco's settings are not known: run lanner init as root`,
      lines: [],
    },
  ];
}
