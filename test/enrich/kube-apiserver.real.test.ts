import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { documents, manifestsOf } from '../../.ci/deploy.mjs';
import { execIn, type Rig, rig, until } from '../support/enriching.ts';
import { type Stored, webPod } from '../support/kube-api.ts';
import { type RealApiServer, startApiServer } from '../support/real/kube-apiserver.ts';
import { missingFor, tellSkipped } from '../support/real/system.ts';

const reason = missingFor(['etcd', 'kube-apiserver', 'openssl']);
tellSkipped('real kube-apiserver (.ci/build-kube-apiserver.sh)', reason);

/** What the chart grants must be all that enrichment needs. */
const { rules } = documents(readFileSync(manifestsOf('tetragon'), 'utf8')).find(
  ({ kind }) => kind === 'ClusterRole',
) as { rules: object[] };
const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const id = (digit: string) => digit.repeat(64);

describe.runIf(reason === undefined)('a real kube-apiserver', () => {
  let real: RealApiServer;
  let one: Rig | undefined;
  let replicaSet: string;

  beforeAll(async () => {
    real = await startApiServer();
    const metadata = { name: 'lanner' };
    await real.send('POST', role, { metadata, rules });
    await real.send('POST', `${role.replace('roles', 'rolebindings')}`, {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'lanner' },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'lanner' }],
    });
    await real.send('POST', '/api/v1/namespaces', { metadata: { name: 'shop', labels: { team: 'shop' } } });
    const template = {
      metadata: { labels: { app: 'shop-web' } },
      spec: { containers: [{ name: 'web', image: 'registry.test/shop/web:latest' }] },
    };
    const selector = { matchLabels: { app: 'shop-web' } };
    const deployment = await real.send<Stored>('POST', '/apis/apps/v1/namespaces/shop/deployments', {
      metadata: { name: 'shop-web' },
      spec: { selector, template },
    });
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'shop-web',
      uid: deployment.metadata.uid,
    };
    const made = await real.send<Stored>('POST', '/apis/apps/v1/namespaces/shop/replicasets', {
      metadata: { name: 'shop-web-7d9c6b5f4d', ownerReferences: [{ ...owner, controller: true }] },
      spec: { replicas: 0, selector, template },
    });
    replicaSet = made.metadata.uid;
  });
  afterEach(async () => {
    await one?.stop();
    one = undefined;
  });
  afterAll(async () => {
    await real?.clean();
  });

  /** What scheduler and kubelet would write. */
  async function run(name: string, containerId: string, node = 'node-1'): Promise<void> {
    const { metadata, spec, status } = webPod(containerId);
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'shop-web-7d9c6b5f4d', uid: replicaSet };
    const { labels, annotations } = metadata;
    const path = '/api/v1/namespaces/shop/pods';
    await real.send('POST', path, {
      metadata: { name, labels, annotations, ownerReferences: [{ ...owner, controller: true }] },
      spec: { ...spec, nodeName: node },
    });
    const [container] = status!.containerStatuses!;
    await real.send('PATCH', `${path}/${name}/status`, {
      status: {
        ...status,
        containerStatuses: [
          { ...container, ready: true, restartCount: 0, image: 'registry.test/shop/web:latest' },
        ],
      },
    });
  }

  async function connected(): Promise<Rig> {
    one = rig(
      { kubernetes: { node_name: 'node-1' }, deadline_ms: 1500 },
      {
        env: { KUBERNETES_SERVICE_HOST: real.host, KUBERNETES_SERVICE_PORT: String(real.port) },
        serviceAccount: real.serviceAccount,
        watch_rest_ms: 10,
      },
    );
    await one.enricher.start(new AbortController().signal);
    return one;
  }

  it('tells pod, workload and namespace to an account with the least rights', async () => {
    await run('web-1', id('1'));
    const { enricher } = await connected();
    expect(enricher.health()).toMatchObject([
      { state: 'ok', version: expect.stringMatching(/^kubernetes v\d/) },
    ]);
    expect(await enricher.enrich(execIn(id('1').slice(0, 31)))).toMatchObject({
      node: 'node-1',
      container: { id: id('1'), name: 'web', runtime: 'containerd', capabilities_added: ['NET_ADMIN'] },
      image: {
        reference: 'registry.test/shop/web:latest',
        digest: `sha256:${'d'.repeat(64)}`,
        mutable_tag: true,
      },
      pod: {
        namespace: 'shop',
        name: 'web-1',
        workload: 'shop-web',
        workload_kind: 'Deployment',
        namespace_labels: { team: 'shop' },
        service_account: 'shop',
      },
      unknown: { 'image.config': 'not_told' },
    });
  });

  it('tells of pods as they come, of this node only', async () => {
    const { enricher } = await connected();
    const event = enricher.enrich(execIn(id('2')));
    await run('web-2', id('2'));
    await run('web-3', id('3'), 'node-2');
    expect(await event).toMatchObject({ pod: { name: 'web-2', workload: 'shop-web' } });
    expect((await enricher.enrich(execIn(id('3')))).unknown).toMatchObject({ pod: 'container_gone' });
  });

  it('is survived when it is killed, and watched again when it is back', async () => {
    const made = await connected();
    await made.enricher.enrich(execIn(id('1')));
    await real.kill();
    await until(() => made.enricher.health()[0]!.code === 'connect_refused', 'the loss to be seen');
    expect(made.enricher.enrich(execIn(id('1')))).toMatchObject({ pod: { name: 'web-1' } });
    await real.start();
    await run('web-4', id('4'));
    await until(() => made.enricher.health()[0]!.state === 'ok', 'the connection', 60_000);
    expect(await made.enricher.enrich(execIn(id('4')))).toMatchObject({ pod: { name: 'web-4' } });
  });

  it('names what it does not permit', async () => {
    await real.send('PATCH', `${role}/lanner`, { rules: [] });
    try {
      let code: string | undefined;
      await until(async () => {
        const made = await connected();
        code = made.enricher.health()[0]!.code;
        await made.stop();
        return code !== undefined;
      }, 'the role to be taken away');
      expect(code).toBe('kube_denied');
    } finally {
      await real.send('PATCH', `${role}/lanner`, { rules });
    }
  });
});
