// Falco's rules by version: deploy/falco/lanner_rules.yaml is for the newest versions and is kept by hand; those of
// older versions are made from it by `npm run deploy:render`. What differs is what a version demands and knows.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../deploy/falco');

/** Path of the rules of an older version (`0.41`), or of the newest. */
export function rulesFile(version) {
  return join(folder, version === undefined ? 'lanner_rules.yaml' : `lanner_rules-${version}.yaml`);
}

const newest = `# As the stock rules for 0.42 and later demand it; 0.43.1 has engine 0.58.0 and plugin 0.6.4.
${requirements('0.57.0', '0.4.0')}`;

// Until 0.41 an execve is two events, of which the first knows nothing yet.
const exit = ['(evt.type in (execve, execveat) and ', '(evt.type in (execve, execveat) and evt.dir = < and '];

const older = (version, about, demands) => (text) =>
  replaced(
    `# Made by \`npm run deploy:render\` from lanner_rules.yaml, for Falco ${version}: do not change it here.
# NOT SEEN: no Falco ${version} was at hand. ${about}
#
${text}`,
    [newest, demands],
    exit,
  );

/** By version: its rules, from the text of the newest. */
export const olderRules = {
  0.41: older(
    '0.41',
    'What it demands is what the stock rules for 0.41 demand.',
    requirements('0.50.0', '0.2.0'),
  ),
  '0.40': older('0.40', 'It has no container plugin: container.* and k8s.* are its own fields.', ''),
};

function requirements(engine, plugin) {
  return `- required_engine_version: ${engine}

- required_plugin_versions:
    - name: container
      version: ${plugin}

`;
}

function replaced(text, ...pairs) {
  return pairs.reduce((before, [from, to]) => {
    if (before.split(from).length !== 2)
      throw new Error(`deploy/falco/lanner_rules.yaml has not once: ${from}`);
    return before.replace(from, () => to);
  }, text);
}
