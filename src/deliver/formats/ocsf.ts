import { techniqueNames } from '../../model/attack.ts';
import type { Delivery, Notice } from '../../model/delivery.ts';
import type { Program } from '../../model/exec-event.ts';
import type { Severity } from '../../model/finding.ts';
import { compactFinding } from './compact.ts';
import { type Format, relayed } from './format.ts';
import { commandLine } from './story.ts';

const severityIds: Record<Severity, number> = { none: 0, info: 1, low: 2, medium: 3, high: 4, critical: 5 };
const schemaVersion = '1.8.0';
const product = { name: 'Lanner', vendor_name: 'Lanner' };

/** OCSF Detection Finding (class 2004). A further revision is an update of the same finding. */
export function ocsfFormat(): Format {
  return {
    name: 'ocsf',
    batches: true,
    render(parcel, options) {
      if ('relay' in parcel) return relayed(parcel.relay);
      const content_type = 'application/json; charset=utf-8';
      if ('notice' in parcel) return { body: JSON.stringify(noticeFinding(parcel.notice)), content_type };
      const compact = options?.compact ?? false;
      if ('batch' in parcel)
        return { body: JSON.stringify(parcel.batch.map((each) => detection(each, compact))), content_type };
      return { body: JSON.stringify(detection(parcel, compact)), content_type };
    },
  };
}

function detection(delivery: Delivery, compact: boolean): object {
  const finding = compact ? compactFinding(delivery.finding) : delivery.finding;
  const { exec } = finding;
  const activity_id = finding.revision === 1 ? 1 : 2;
  return {
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2004,
    class_name: 'Detection Finding',
    activity_id,
    activity_name: activity_id === 1 ? 'Create' : 'Update',
    type_uid: 200_400 + activity_id,
    severity_id: severityIds[finding.severity],
    severity: finding.severity,
    status_id: 1,
    status: 'New',
    is_alert: true,
    time: Date.parse(finding.time),
    message: finding.title,
    count: delivery.group?.count ?? 1,
    metadata: { version: schemaVersion, product, uid: delivery.id, profiles: ['container', 'host'] },
    finding_info: {
      uid: finding.id,
      title: finding.title,
      desc: finding.why.join('\n'),
      created_time: Date.parse(finding.time),
      types: finding.indicators.map((indicator) => indicator.id),
      analytic: {
        name: finding.tool ?? 'suspicious program',
        uid: finding.tool ?? 'none',
        type_id: 1,
        type: 'Rule',
      },
      attacks: finding.mitre.map(attackOf),
    },
    evidences: [
      {
        process: {
          ...processOf(exec.process),
          created_time: Date.parse(exec.time),
          ...(exec.ancestors[0] ? { parent_process: processOf(exec.ancestors[0]) } : {}),
        },
        ...containerOf(delivery),
      },
    ],
    remediation: {
      desc:
        finding.triage
          .map(({ text, command }) => (command === undefined ? text : `${text} ${command}`))
          .join('\n') || 'none',
    },
    ...(exec.node === undefined ? {} : { device: { type_id: 1, type: 'Server', hostname: exec.node } }),
    unmapped: {
      lanner: { score: finding.score, revision: finding.revision, indicators: finding.indicators },
    },
  };
}

function containerOf({ finding: { exec } }: Delivery): object {
  if (!exec.container) return {};
  const { container, image, pod } = exec;
  return {
    container: {
      uid: container.id,
      ...(container.name === undefined ? {} : { name: container.name }),
      ...(container.runtime === undefined ? {} : { runtime: container.runtime }),
      ...(pod?.uid === undefined ? {} : { pod_uuid: pod.uid }),
      ...(pod ? { orchestrator: 'kubernetes' } : {}),
      ...(image
        ? {
            image: {
              uid: image.digest ?? image.config_digest ?? image.reference ?? 'unknown',
              ...(image.repository === undefined ? {} : { name: image.repository }),
              ...(image.tag === undefined ? {} : { tag: image.tag }),
            },
          }
        : {}),
    },
    ...(pod
      ? {
          resources: [
            {
              type: 'Pod',
              uid: pod.uid ?? `${pod.namespace}/${pod.name}`,
              name: pod.name,
              namespace: pod.namespace,
            },
          ],
        }
      : {}),
  };
}

function processOf(program: Program): object {
  const path = program.binary ?? program.exe;
  const name = path?.split('/').at(-1) ?? program.argv[0] ?? 'unknown';
  return {
    name,
    cmd_line: commandLine(program.argv, program.arguments),
    ...(program.pid === undefined ? {} : { pid: program.pid }),
    ...(path === undefined ? {} : { path, file: { name, path, type_id: 1, type: 'Regular File' } }),
    ...(program.cwd === undefined ? {} : { working_directory: program.cwd }),
    ...(program.user === undefined && program.uid === undefined
      ? {}
      : {
          user: {
            ...(program.user === undefined ? {} : { name: program.user }),
            ...(program.uid === undefined ? {} : { uid: String(program.uid) }),
          },
        }),
  };
}

function attackOf(id: string): object {
  const [technique] = id.split('.');
  return {
    technique: named(technique ?? id),
    ...(id.includes('.') ? { sub_technique: named(id) } : {}),
    version: '16',
  };
}

function noticeFinding(notice: Notice): object {
  const activity_id = notice.state === 'started' ? 1 : 3;
  return {
    category_uid: 2,
    class_uid: 2004,
    activity_id,
    type_uid: 200_400 + activity_id,
    severity_id: severityIds[notice.severity],
    status_id: notice.state === 'started' ? 1 : 4,
    time: Date.parse(notice.ended ?? notice.started),
    message: notice.title,
    metadata: { version: schemaVersion, product },
    finding_info: { uid: notice.id, title: notice.title, desc: notice.detail, types: [notice.kind] },
  };
}

function named(uid: string): { uid: string; name?: string } {
  const name = techniqueNames[uid];
  return name === undefined ? { uid } : { uid, name };
}
