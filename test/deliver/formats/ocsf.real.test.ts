import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { fixture } from '../../support/fixtures.ts';

const judge = `
import json, sys
from py_ocsf_models.events.findings.detection_finding import DetectionFinding
for name in sys.argv[1:]:
    body = json.load(open(name))["body"]
    for one in body if isinstance(body, list) else [body]:
        DetectionFinding.model_validate(one)
        print("ok")
`;
const there = spawnSync('python3', ['-c', 'import py_ocsf_models']).status === 0;
const reason = there ? '' : ' (skipped: the Python package py-ocsf-models is not installed)';

describe.runIf(there)(`OCSF bodies${reason}`, () => {
  it.each(['finding', 'group', 'bare', 'notice_started', 'notice_ended'])(
    'of a %s are detection findings to an independent reader',
    (name) => {
      const run = spawnSync('python3', ['-c', judge, fixture(`formats/ocsf.${name}.json`)], {
        encoding: 'utf8',
      });
      expect(run.stderr).toBe('');
      expect(run.stdout).toMatch(/^(ok\n)+$/);
    },
  );
});
