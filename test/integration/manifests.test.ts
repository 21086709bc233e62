import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import type { InitOptions } from '../../src/init/options.ts';

const folder = 'examples/kubernetes';

// The fields that the tests read. The schemas have the rest.
interface Action {
  readonly exec?: { readonly command: readonly string[] };
  readonly sleep?: { readonly seconds: number };
  readonly timeoutSeconds?: number;
}
interface Container {
  readonly name: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly lifecycle?: { readonly preStop?: Action };
  readonly livenessProbe?: Action;
  readonly readinessProbe?: Action;
  readonly startupProbe?: Action;
  readonly securityContext?: object;
}
interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: object;
  readonly containers: readonly Container[];
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: object;
}

/** A schema of the Kubernetes API, compiled by ajv. */
interface Validate {
  (data: unknown): boolean;
  errors?:
    | readonly { readonly instancePath: string; readonly keyword: string; readonly params: object }[]
    | null;
}

const require = createRequire(import.meta.url);

/** The package exports classes, which read every field of what they validate. Its schemas alone tell what they know. */
function schemaOf(name: string): Validate {
  const file = join(dirname(require.resolve('kubernetes-models')), '_schemas', `${name}.js`);
  return (require(file) as { validate: Validate }).validate;
}

const schemas: Readonly<Record<string, Validate>> = {
  'apps/v1 Deployment': schemaOf('IoK8sApiAppsV1Deployment'),
  'v1 Pod': schemaOf('IoK8sApiCoreV1Pod'),
  'v1 Service': schemaOf('IoK8sApiCoreV1Service'),
};

function documentsOf(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).map((document) => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    return document.toJS() as Manifest;
  });
}

/** The faults of a manifest, one string each. */
function faultsOf(manifest: Manifest): string[] {
  const validate = schemas[`${manifest.apiVersion} ${manifest.kind}`];
  if (validate === undefined) return [`no schema for ${manifest.apiVersion} ${manifest.kind}`];
  const unread = new Set<string>();
  validate(watched(manifest, '', unread));
  const wrong = (validate.errors ?? []).map(
    ({ instancePath, keyword, params }) => `${instancePath} ${keyword} ${Object.values(params).join()}`,
  );
  return [...wrong, ...[...unread].map((path) => `${path} is unknown`)];
}

/**
 * The published schemas accept unknown fields, so also misspelt ones. The compiled schema reads every field that it
 * knows: a field that it never reads is unknown.
 * @returns the value; `unread` has the paths of all fields that were not read yet
 */
function watched(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    watched(field, `${path}/${name}`, unread),
  ]);
  const copy = Array.isArray(value) ? fields.map(([, field]) => field) : Object.fromEntries(fields);
  for (const [name] of fields) unread.add(`${path}/${name}`);
  return new Proxy(copy, {
    get(target, name) {
      unread.delete(`${path}/${String(name)}`);
      return Reflect.get(target, name);
    },
  });
}

function podOf(manifest: Manifest): PodSpec | undefined {
  if (manifest.kind === 'Pod') return manifest.spec as PodSpec;
  if (manifest.kind === 'Deployment') return (manifest.spec as { template: { spec: PodSpec } }).template.spec;
  return undefined;
}

/** The options of the subreaper in a command line; undefined if there is none. `before`: the words in front of it. */
function subreaperIn(
  words: readonly string[],
  container: Container,
): { before: readonly string[]; options: InitOptions } | undefined {
  const at = words.findIndex((word) => basename(word) === 'subreaper');
  if (at === -1) return undefined;
  const variable = container.env?.find(({ name }) => name === 'SUBREAPER_OPTIONS')?.value ?? '';
  const invocation = parseCommandLine(variable, words.slice(at + 1));
  if (invocation.kind !== 'run') throw new Error(`it asks for ${invocation.kind}`);
  return { before: words.slice(0, at), options: invocation.options };
}

/** The longest time that subreaper takes from the stop signal to its end. */
function longestMs({ stopDelayMs, stopTimeoutMs, graceMs }: InitOptions): number {
  if (stopTimeoutMs === undefined) throw new Error('without --stop-timeout there is no longest time');
  return stopDelayMs + stopTimeoutMs + graceMs;
}

const startOf = ({ command = [], args = [] }: Container) => [...command, ...args];

const manifests = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) =>
    documentsOf(readFileSync(join(folder, file), 'utf8')).map((manifest) => ({ file, manifest })),
  );
const containers = manifests.flatMap(({ file, manifest }) => {
  const pod = podOf(manifest);
  return (pod?.containers ?? []).map((container) => ({ file, name: container.name, container, pod }));
});

describe('the manifests of examples/kubernetes', () => {
  test('are all there', () => {
    expect(manifests.map(({ file, manifest }) => `${file} ${manifest.kind}`).sort()).toEqual([
      'deployment.yaml Deployment',
      'deployment.yaml Service',
      'exec-probe.yaml Pod',
      'in-process.yaml Pod',
      'shared-process-namespace.yaml Pod',
    ]);
  });

  test.each(manifests)('$file, $manifest.kind: is valid', ({ manifest }) => {
    expect(faultsOf(manifest)).toEqual([]);
  });

  test.each(containers)('$file, $name: runs without rights', ({ container, pod }) => {
    expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: expect.any(Number) });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test.each(containers)('$file, $name: ends within its time', ({ container, pod }) => {
    const { preStop } = container.lifecycle ?? {};
    // The duration of any other hook is unknown.
    if (preStop !== undefined) expect(Object.keys(preStop)).toEqual(['sleep']);
    const preStopMs = (preStop?.sleep?.seconds ?? 0) * 1000;
    const ownMs = subreaperIn(startOf(container), container);
    const totalMs = preStopMs + (ownMs === undefined ? 0 : longestMs(ownMs.options));
    // README.md leaves at least one second.
    expect(totalMs + 1000).toBeLessThanOrEqual((pod?.terminationGracePeriodSeconds ?? 30) * 1000);
  });

  test.each(containers)('$file, $name: a wrapped probe ends within its time', ({ container }) => {
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
      const wrapper = probe?.exec && subreaperIn(probe.exec.command, container);
      if (!wrapper) continue;
      const [timeout, seconds, ...more] = wrapper.before;
      expect([timeout, more]).toEqual(['timeout', []]);
      const totalMs = Number(seconds) * 1000 + longestMs(wrapper.options);
      expect(totalMs + 1000).toBeLessThanOrEqual((probe.timeoutSeconds ?? 1) * 1000);
    }
  });

  test('show subreaper as PID 1, as a plain subreaper, around a probe and in the app', () => {
    const starts = containers.map(({ file, name, container }) => {
      const probe = container.livenessProbe?.exec?.command ?? [];
      return [
        `${file} ${name}`,
        subreaperIn(startOf(container), container) ? 'in front' : '',
        subreaperIn(probe, container) ? 'around the probe' : '',
        startOf(container).join(' ').includes('--import subreaper/register') ? 'in the app' : '',
      ].filter((part) => part !== '');
    });
    expect(starts.sort()).toEqual([
      ['deployment.yaml web', 'in front'],
      ['exec-probe.yaml legacy', 'around the probe'],
      ['in-process.yaml screenshots', 'in the app'],
      ['shared-process-namespace.yaml monitor', 'in front'],
      ['shared-process-namespace.yaml web', 'in front'],
    ]);
  });
});

describe('a wrong manifest is refused', () => {
  const pod = (container: string, spec = '') =>
    `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {${spec} containers: [{name: a, ${container}}]}}`;

  test.each([
    ['nothing', pod('image: b'), []],
    ['a type', pod('command: sh'), ['/spec/containers/0/command type array']],
    [
      'a number as text',
      pod('image: b', "terminationGracePeriodSeconds: '30',"),
      ['/spec/terminationGracePeriodSeconds type integer'],
    ],
    ['a field left out', '{apiVersion: v1, kind: Pod, spec: {}}', ['/spec required containers']],
    [
      'a field misspelt',
      pod('image: b', 'shareProcessNameSpace: true,'),
      ['/spec/shareProcessNameSpace is unknown'],
    ],
    [
      'a field in the wrong place',
      pod('terminationGracePeriodSeconds: 30'),
      ['/spec/containers/0/terminationGracePeriodSeconds is unknown'],
    ],
    [
      'a field misspelt further below',
      pod('lifecycle: {preStop: {sleep: {second: 5}}}'),
      [
        '/spec/containers/0/lifecycle/preStop/sleep required seconds',
        '/spec/containers/0/lifecycle/preStop/sleep/second is unknown',
      ],
    ],
    ['a kind', '{apiVersion: v1, kind: Deployment}', ['no schema for v1 Deployment']],
  ])('wrong: %s', (_what, yaml, faults) => {
    expect(documentsOf(yaml).flatMap(faultsOf)).toEqual(faults);
  });

  test('wrong: an option of subreaper', () => {
    const start = (option: string) => subreaperIn(['subreaper', option, '--', 'node'], { name: 'a' });
    expect(start('--grace=3s')?.options.graceMs).toBe(3000);
    expect(() => start('--grace=3h')).toThrow('--grace cannot be');
    expect(() => start('--stop-grace=3s')).toThrow('unknown option');
  });
});
