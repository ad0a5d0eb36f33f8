import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import { startCriServer } from '../support/cri-server.ts';
import { execIn, type Rig, rig, socketFolder, until } from '../support/enriching.ts';
import {
  type KubeApi,
  kubeconfigFor,
  type Stored,
  startKubeApi,
  surroundings,
  webPod,
} from '../support/kube-api.ts';

const id = '6403692adba925e22d4868e96c7c02c5b320abfcf69a33945b05f785de91ac88';
const other = '8eca0020cd1804bbbd894a90c1b70d2f06c0fa3ee6e30caaf1e507e09d1a3de8';

let folder: ReturnType<typeof socketFolder>;
let api: KubeApi;
let one: Rig | undefined;

beforeEach(async () => {
  folder = socketFolder();
  api = await startKubeApi();
  surroundings(api);
});
afterEach(async () => {
  await one?.stop();
  one = undefined;
  await api.stop();
  folder.remove();
});

type Kube = NonNullable<NonNullable<Parameters<typeof rig>[0]>['kubernetes']>;

async function connected(kubernetes: Kube = {}, more: Parameters<typeof rig>[0] = {}): Promise<Rig> {
  writeFileSync(folder.at('kubeconfig'), kubeconfigFor(api.url, api.token));
  one = rig(
    {
      kubernetes: { kubeconfig: folder.at('kubeconfig'), node_name: 'node-1', ...kubernetes },
      ...more,
    },
    { watch_rest_ms: 5 },
  );
  await one.enricher.start(new AbortController().signal);
  return one;
}

async function known(made: Rig, containerId: string): Promise<ExecEvent> {
  let event = execIn(containerId);
  await until(async () => {
    event = await made.enricher.enrich(execIn(containerId));
    return event.pod?.workload !== undefined;
  }, 'the pod to be known');
  return event;
}

describe('facts from Kubernetes', () => {
  it('are all there that the API server has', async () => {
    api.put(webPod(id));
    const { enricher } = await connected({ cluster: 'test-1', annotations: ['example.org/*'] });
    const event = execIn(id.slice(0, 31), {
      process: { binary: '/scratch/nc', argv: ['nc'], argv_quality: 'exact', argv0_known: true },
    });
    expect(await enricher.enrich(event)).toEqual({
      ...event,
      node: 'node-1',
      cluster: 'test-1',
      container: {
        id,
        name: 'web',
        kind: 'container',
        runtime: 'containerd',
        started_at: '2026-11-22T21:55:46.000000000Z',
        age_secs: 254,
        privileged: false,
        capabilities_added: ['NET_ADMIN'],
        host_network: false,
        host_pid: false,
        read_only_root: true,
        mounts: [
          { destination: '/scratch', type: 'emptyDir', name: 'scratch', read_only: false },
          { destination: '/etc/app', type: 'configMap', name: 'config', read_only: true },
        ],
        probes: [
          ['curl', '-f', 'http://localhost/health'],
          ['nc', '-z', 'drain', '80'],
        ],
      },
      image: {
        reference: 'registry.test/shop/web:latest',
        registry: 'registry.test',
        repository: 'registry.test/shop/web',
        tag: 'latest',
        digest: `sha256:${'d'.repeat(64)}`,
        mutable_tag: true,
      },
      pod: {
        namespace: 'shop',
        name: 'shop-web-7d9c6b5f4d-x2k8p',
        uid: '0b7f3c52-6a41-4f0e-9d55-1c2f6a7e9a01',
        labels: { app: 'shop-web', 'app.kubernetes.io/version': '1.4.2' },
        annotations: { 'example.org/runbook': 'https://runbooks.test/shop' },
        namespace_labels: {
          'kubernetes.io/metadata.name': 'shop',
          'pod-security.kubernetes.io/enforce': 'baseline',
        },
        service_account: 'shop',
        workload: 'shop-web',
        workload_kind: 'Deployment',
      },
      process: {
        ...event.process,
        file: {
          in_mount: true,
          mount: { destination: '/scratch', type: 'emptyDir', name: 'scratch', read_only: false },
        },
      },
      // The API server does not know what is in an image.
      unknown: { 'image.config': 'not_told' },
    });
  });

  it('are asked for with little: metadata of owners, pods of this node', async () => {
    api.put(webPod(id));
    api.put({ ...webPod(other, { uid: 'u-2' }), spec: { nodeName: 'node-2' } });
    const made = await connected();
    await known(made, id);
    await until(() => api.watches.length === 1);
    expect(api.accepts.every((accept) => accept.includes('as=PartialObjectMetadata'))).toBe(true);
    expect(api.watches[0]!.get('fieldSelector')).toBe('spec.nodeName=node-1');
    expect((await made.enricher.enrich(execIn(other))).unknown).toMatchObject({ pod: 'container_gone' });
  });

  it('cover all nodes where that is wanted', async () => {
    const elsewhere = webPod(other, { uid: 'u-2' });
    elsewhere.spec!.nodeName = 'node-2';
    api.put(elsewhere);
    const made = await connected({ nodes: 'all' });
    expect((await known(made, other)).node).toBe('node-2');
    await until(() => api.watches.length === 1);
    expect(api.watches[0]!.get('fieldSelector')).toBeNull();
  });

  it.each<[string, Stored['metadata']['ownerReferences'], string, string]>([
    ['a Deployment', undefined, 'Deployment', 'shop-web'],
    ['a CronJob', [{ kind: 'Job', name: 'report-1', uid: 'j-1', controller: true }], 'CronJob', 'report'],
    ['a lone Job', [{ kind: 'Job', name: 'once', uid: 'j-2', controller: true }], 'Job', 'once'],
    [
      'a StatefulSet',
      [{ kind: 'StatefulSet', name: 'db', uid: 's-1', controller: true }],
      'StatefulSet',
      'db',
    ],
    [
      'a DaemonSet',
      [{ kind: 'DaemonSet', name: 'agent', uid: 'd-2', controller: true }],
      'DaemonSet',
      'agent',
    ],
    ['no owner', [], 'Pod', 'shop-web-7d9c6b5f4d-x2k8p'],
    [
      'an owner that does not control it',
      [{ kind: 'Node', name: 'node-1', uid: 'n' }],
      'Pod',
      'shop-web-7d9c6b5f4d-x2k8p',
    ],
  ])('name the workload of a pod with %s', async (_, ownerReferences, kind, name) => {
    api.objects.set('/apis/batch/v1/namespaces/shop/jobs/report-1', {
      metadata: { ownerReferences: [{ kind: 'CronJob', name: 'report', uid: 'c-1', controller: true }] },
    });
    api.objects.set('/apis/batch/v1/namespaces/shop/jobs/once', { metadata: {} });
    api.put(webPod(id, ownerReferences === undefined ? {} : { ownerReferences }));
    const made = await connected();
    expect((await known(made, id)).pod).toMatchObject({ workload: name, workload_kind: kind });
  });

  it('ask for an owner and a namespace once, however many pods they have', async () => {
    const ids = Array.from({ length: 12 }, (_, at) => String(at).padStart(64, 'a'));
    for (const [at, containerId] of ids.entries())
      api.put(webPod(containerId, { uid: `u-${at}`, name: `p-${at}` }));
    const made = await connected();
    for (const containerId of ids) await known(made, containerId);
    expect(api.calls['/apis/apps/v1/namespaces/shop/replicasets/shop-web-7d9c6b5f4d']).toBe(1);
    expect(api.calls['/api/v1/namespaces/shop']).toBe(1);
  });

  it('tell init and ephemeral containers apart, and know the run before a restart', async () => {
    const pod = webPod(id);
    pod.spec!.initContainers = [{ name: 'wait', image: 'busybox' }];
    pod.spec!.ephemeralContainers = [{ name: 'debugger', image: 'nicolaka/netshoot' }];
    pod.status!.initContainerStatuses = [{ name: 'wait', containerID: `containerd://${'1'.repeat(64)}` }];
    pod.status!.ephemeralContainerStatuses = [
      { name: 'debugger', containerID: `containerd://${'2'.repeat(64)}` },
    ];
    pod.status!.containerStatuses![0]!.lastState = {
      terminated: { containerID: `containerd://${'3'.repeat(64)}` },
    };
    api.put(pod);
    const made = await connected();
    const kinds = [];
    for (const digit of ['1', '2', '3']) {
      const { container } = await known(made, digit.repeat(64));
      kinds.push([container!.name, container!.kind]);
    }
    expect(kinds).toEqual([
      ['wait', 'init'],
      ['debugger', 'ephemeral'],
      ['web', 'container'],
    ]);
  });

  it('come by the pod the sensor names where its status does not have the container yet', async () => {
    const pod = webPod(id);
    pod.status = { phase: 'Pending' };
    api.put(pod);
    const { enricher } = await connected();
    const event = await enricher.enrich(
      execIn(other.slice(0, 12), {
        container: { id: other.slice(0, 12), name: 'web' },
        pod: { namespace: 'shop', name: 'shop-web-7d9c6b5f4d-x2k8p' },
      }),
    );
    expect(event.container).toMatchObject({ id: other.slice(0, 12), privileged: false });
    expect(event.image).toMatchObject({ reference: 'registry.test/shop/web:latest' });
    expect(event.pod).toMatchObject({ service_account: 'shop' });
  });

  it('wait, within the deadline, for a container that the status is about to name', async () => {
    const { enricher } = await connected({}, { deadline_ms: 5000 });
    const event = enricher.enrich(execIn(id.slice(0, 31)));
    api.put(webPod(id));
    expect(await event).toMatchObject({ container: { id }, pod: { workload: 'shop-web' } });
  });

  it('are followed by more when the status comes after the deadline', async () => {
    const { enricher } = await connected({}, { deadline_ms: 20, cache: { negative_ms: 20 } });
    const first = await enricher.enrich(execIn(id));
    expect(first.unknown).toMatchObject({ image: 'container_gone', pod: 'container_gone' });
    const second = enricher.later(first);
    api.put(webPod(id));
    expect(await second).toMatchObject({ pod: { workload: 'shop-web' } });
  });
});

describe('with a runtime beside', () => {
  it('the pod asked for what Kubernetes says, and the image is as the runtime says', async () => {
    const cri = await startCriServer(folder.at('c.sock'));
    api.put(webPod(id));
    const made = await connected({}, { runtimes: [folder.at('c.sock')] });
    const event = await known(made, id);
    expect(event.image).toMatchObject({
      reference: 'registry.test/shop/web:latest',
      mutable_tag: true,
      layers: 3,
      digest: 'sha256:8ab4e34f4934f629f4010129e542af2ae7877aa3b7a9a5bac6218ae2c3d02a6e',
    });
    expect(event.pod).toMatchObject({ workload: 'shop-web', labels: { app: 'shop-web' } });
    expect(event).not.toHaveProperty('unknown');
    await cri.stop();
  });

  it('the runtime is not asked unless its socket is listed', async () => {
    const cri = await startCriServer(folder.at('c.sock'));
    api.put(webPod(id));
    const made = await connected();
    expect(made.enricher.health().map(({ name }) => name)).toEqual(['kubernetes']);
    await cri.stop();
  });
});

describe('the watch', () => {
  const second = () => webPod(other, { uid: 'u-2', name: 'second' });

  it('asks for bookmarks and goes on from the last one', async () => {
    api.put(webPod(id));
    const made = await connected();
    await until(() => api.watchers() === 1);
    api.bookmark();
    api.compact();
    await until(() => made.enricher.health()[0]!.state === 'ok');
    api.bookmark();
    api.put(second());
    await known(made, other);
    api.endWatches();
    await until(() => api.watches.length === 2, 'a second watch');
    expect(api.watches[0]!.get('allowWatchBookmarks')).toBe('true');
    expect(Number(api.watches[1]!.get('resourceVersion'))).toBeGreaterThan(
      Number(api.watches[0]!.get('resourceVersion')),
    );
    expect(api.calls.list).toBe(1);
  });

  it('lists anew when the server has forgotten its place, and sees what went meanwhile', async () => {
    api.put(webPod(id));
    api.put(second());
    const made = await connected();
    await known(made, other);
    await until(() => api.watchers() === 1);
    api.cut();
    await until(() => api.watchers() === 0);
    api.remove('u-2');
    api.put(webPod('5'.repeat(64), { uid: 'u-3', name: 'third' }));
    api.compact();
    await known(made, '5'.repeat(64));
    expect(api.calls.list).toBe(2);
  });

  it('lists anew when a running watch is told 410', async () => {
    const made = await connected();
    await until(() => api.watchers() === 1);
    api.raw({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'expired' } });
    api.endWatches();
    await until(() => api.calls.list === 2, 'a second list');
    api.put(webPod(id));
    await known(made, id);
  });

  it('misses nothing when the connection is cut', async () => {
    const made = await connected();
    await until(() => api.watchers() === 1);
    api.cut();
    api.put(webPod(id));
    expect((await known(made, id)).pod!.name).toBe('shop-web-7d9c6b5f4d-x2k8p');
    expect(api.calls.list).toBe(1);
  });

  it('survives a restart of the server', async () => {
    const made = await connected();
    await until(() => api.watchers() === 1);
    await api.stop();
    await until(() => made.enricher.health()[0]!.code === 'connect_refused', 'the loss to be seen');
    expect(made.enricher.enrich(execIn(id))).toMatchObject({ unknown: { pod: 'unavailable' } });
    await api.restart();
    api.put(webPod(id));
    await known(made, id);
    expect(made.enricher.health()).toMatchObject([{ state: 'ok', version: 'kubernetes v1.34.1' }]);
  });

  it('renews what it tells when a pod changes', async () => {
    api.put(webPod(id));
    const made = await connected();
    await known(made, id);
    api.put(webPod(id, { labels: { app: 'renamed' } }));
    await until(async () => (await made.enricher.enrich(execIn(id))).pod?.labels?.app === 'renamed');
  });

  it('keeps the facts of a deleted pod', async () => {
    api.put(webPod(id));
    const made = await connected();
    await known(made, id);
    await until(() => api.watchers() === 1);
    api.remove('0b7f3c52-6a41-4f0e-9d55-1c2f6a7e9a01');
    api.put(second());
    await known(made, other);
    expect(made.enricher.enrich(execIn(id))).toMatchObject({ pod: { workload: 'shop-web' } });
  });

  it('reads long lists page by page', async () => {
    for (let at = 0; at < 1203; at += 1) {
      api.put(webPod(String(at).padStart(64, 'b'), { uid: `u-${at}`, name: `p-${at}` }));
    }
    const made = await connected();
    expect((await known(made, String(1202).padStart(64, 'b'))).pod!.name).toBe('p-1202');
    expect(api.calls.list).toBe(3);
  });
});

describe('what is not permitted', () => {
  it('is said of the owner, and the rest goes on', async () => {
    api.refuse.set('/apis/apps', 403);
    api.put(webPod(id));
    const made = await connected();
    const event = await known(made, id);
    expect(event.pod).toMatchObject({ workload: 'shop-web-7d9c6b5f4d', workload_kind: 'ReplicaSet' });
    expect(event.unknown).toEqual({ 'image.config': 'not_told', 'pod.workload': 'denied' });
  });

  it('is said of the namespace, and the rest goes on', async () => {
    api.refuse.set('/api/v1/namespaces', 403);
    api.put(webPod(id));
    const made = await connected();
    expect((await known(made, id)).unknown).toEqual({
      'image.config': 'not_told',
      'pod.namespace_labels': 'denied',
    });
  });

  it('is said of the pods, with what to do', async () => {
    api.refuse.set('/api/v1/pods', 403);
    const made = await connected();
    expect(made.enricher.health()).toMatchObject([
      { state: 'degraded', code: 'kube_denied', reason: expect.stringContaining('ClusterRole') },
    ]);
    expect(made.enricher.enrich(execIn(id))).toMatchObject({ unknown: { image: 'denied', pod: 'denied' } });
  });

  it('is said of a token the server does not accept, which stays out of log and health', async () => {
    const token = 'a-secret-that-nobody-may-see';
    writeFileSync(folder.at('bad'), kubeconfigFor(api.url, token));
    const made = await connected({ kubeconfig: folder.at('bad') });
    expect(made.enricher.health()).toMatchObject([{ code: 'kube_credentials' }]);
    expect(
      JSON.stringify([made.lines, made.enricher.health(), await made.metrics.registry.metrics()]),
    ).not.toContain(token);
  });
});

describe('the way to the API server', () => {
  it.each([
    ['a kubeconfig that does not exist', { kubeconfig: '/nonexistent/config' }, 'kube_credentials', 'ENOENT'],
    ['a context the kubeconfig does not have', { context: 'nowhere' }, 'kube_credentials', 'test, elsewhere'],
    ['a server that is not there', { context: 'elsewhere' }, 'connect_refused', '127.0.0.1:9'],
  ])('names %s', async (_, kubernetes, code, text) => {
    const made = await connected(kubernetes);
    expect(made.enricher.health()).toMatchObject([
      { state: 'degraded', code, reason: expect.stringContaining(text) },
    ]);
  });

  it('names a node that is not known', async () => {
    const made = await connected({ node_name: '' });
    expect(made.enricher.health()).toMatchObject([{ code: 'kube_node_unknown' }]);
  });

  it('takes the name of the node from the environment', async () => {
    writeFileSync(folder.at('kubeconfig'), kubeconfigFor(api.url, api.token));
    one = rig({ kubernetes: { kubeconfig: folder.at('kubeconfig') } }, { env: { NODE_NAME: 'node-7' } });
    await one.enricher.start(new AbortController().signal);
    await until(() => api.watches.length === 1);
    expect(api.watches[0]!.get('fieldSelector')).toBe('spec.nodeName=node-7');
  });

  it('is not looked for outside a pod without a kubeconfig', () => {
    one = rig({ runtimes: 'off' });
    expect(one.enricher.health()).toMatchObject([{ name: 'enrich', state: 'off', code: 'enrich_no_source' }]);
    expect(one.enricher.enrich(execIn(id))).toMatchObject({
      unknown: { image: 'no_source', container: 'no_source' },
    });
  });
});
