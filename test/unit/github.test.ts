import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
// With the schema that editors have for workflows.
import { validateWorkflow } from '@action-validator/core';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../helpers/documentation.ts';
import { suites } from '../suites.mjs';

const filesIn = (folder: string) =>
  readdirSync(join(root, folder)).map((name) => ({
    name,
    text: readFileSync(join(root, folder, name), 'utf8'),
  }));

test.each(filesIn('.github/workflows'))('$name keeps to the schema of workflows', ({ text }) => {
  expect(validateWorkflow(text).errors).toEqual([]);
  // The validator finds what is wrong.
  expect(validateWorkflow(text.replace(/^jobs:/m, 'job:')).errors).not.toEqual([]);
});

test('the workflow runs what is there', () => {
  const { jobs } = parse(readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8')) as {
    jobs: Record<string, { steps: readonly { run?: string }[] }>;
  };
  const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  const programs = commands.flatMap((command) => command.match(/\.ci\/\w+/g) ?? []);
  expect(programs.sort()).toEqual(['.ci/alpine', '.ci/run']);
  for (const program of programs) accessSync(join(root, program), constants.X_OK);
  const texts = [...commands, ...programs.map((program) => readFileSync(join(root, program), 'utf8'))];
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const named = texts.flatMap((text) => [...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)]);
  expect(named.map(([, name]) => name as string).filter((name) => !(name in scripts))).toEqual([]);
});

test('the workflow has a job for each suite', () => {
  const { jobs } = parse(readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8'));
  // The gate runs npm test. Windows has a machine of its own.
  const elsewhere = ['test', 'windows'];
  const names = Object.keys(suites).filter((name) => !suites[name]?.isPart && !elsewhere.includes(name));
  expect(jobs.suites.strategy.matrix.suite).toEqual(names);
  expect(jobs.suites.steps.at(-1).run).toMatch(/^npm run suite \$\{\{ matrix\.suite \}\}$/);
});

test.each(filesIn('.github/workflows'))(
  '$name runs no action that can change, and keeps no token',
  ({ text }) => {
    type Step = { uses?: string; with?: Record<string, unknown> };
    const { jobs } = parse(text) as { jobs: Record<string, { steps: readonly Step[] }> };
    const actions = Object.values(jobs).flatMap(({ steps }) =>
      steps.filter(({ uses }) => uses !== undefined),
    );
    expect(actions).not.toEqual([]);
    for (const action of actions) {
      // Whoever owns an action can move its tags, but not what a commit's hash stands for.
      expect(action.uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      if (action.uses?.startsWith('actions/checkout@'))
        expect(action.with).toMatchObject({ 'persist-credentials': false });
    }
  },
);

interface Field {
  readonly type: string;
  readonly id?: string;
  readonly attributes: {
    readonly label?: string;
    readonly value?: string;
    readonly options?: readonly unknown[];
  };
}

test.each(filesIn('.github/ISSUE_TEMPLATE').filter(({ name }) => name !== 'config.yml'))(
  '$name is an issue form',
  ({ text }) => {
    const form = parse(text) as { name: string; description: string; body: readonly Field[] };
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    for (const { type, id, attributes } of form.body) {
      expect(['markdown', 'textarea', 'input', 'dropdown', 'checkboxes']).toContain(type);
      if (type === 'markdown') expect(attributes.value).toEqual(expect.any(String));
      else
        expect({ id, label: attributes.label }).toEqual({
          id: expect.any(String),
          label: expect.any(String),
        });
      if (type === 'dropdown') expect(attributes.options?.length).toBeGreaterThan(0);
    }
    const ids = form.body.flatMap(({ id }) => id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  },
);
