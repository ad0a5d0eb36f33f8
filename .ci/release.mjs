// What must agree before a version goes out: `npm run release:check [-- vX.Y.Z]`. Prints the CHANGELOG's section, which
// becomes the notes of the release; the workflow `release` runs it first.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The text below `## VERSION` (a date may follow); undefined if there is no such heading. */
export function sectionOf(changelog, version) {
  const sections = changelog.split(/^## /m).slice(1);
  const found = sections.find((section) => section.split(/\s/, 1)[0] === version);
  return found?.slice(found.indexOf('\n') + 1).trim();
}

/** What keeps a version from going out; none: nothing. `tag` is left out before there is one. */
export function releaseProblems({ manifest, lock, chart, changelog, tag }) {
  const { version } = manifest;
  const problems = [];
  const must = (holds, problem) => void (holds || problems.push(problem));
  must(/^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(version), `package.json: ${version} is no version`);
  must(lock.version === version, `package-lock.json has ${lock.version}, package.json ${version}: npm install`);
  must(chart.appVersion === version, `deploy/helm/lanner/Chart.yaml: appVersion is ${chart.appVersion}, not ${version}`);
  must(chart.version === version, `deploy/helm/lanner/Chart.yaml: version is ${chart.version}, not ${version}`);
  must(tag === undefined || tag === `v${version}`, `the tag is ${tag}, and package.json says ${version}`);
  must((sectionOf(changelog, version) ?? '') !== '', `CHANGELOG.md has no text under a heading \`## ${version}\``);
  must(manifest.repository?.url !== undefined, 'package.json names no repository.url: npm provenance wants it');
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const read = (file) => readFileSync(join(root, file), 'utf8');
  const manifest = JSON.parse(read('package.json'));
  const changelog = read('CHANGELOG.md');
  const problems = releaseProblems({
    manifest,
    lock: JSON.parse(read('package-lock.json')),
    chart: parse(read('deploy/helm/lanner/Chart.yaml')),
    changelog,
    tag: process.argv[2],
  });
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else process.stdout.write(`${sectionOf(changelog, manifest.version)}\n`);
}
