import { beforeAll, describe, expect, inject, test } from 'vitest';
import { lacking } from '../helpers/needs.ts';
import { type Booted, boot } from './boot.ts';
import { fetchKernel, type KernelImage, kernelFolder } from './debian-kernel.ts';
import { sceneName } from './guest/scene.ts';
import { LAST_STATUS, scenes } from './guest/scenes.ts';
import type { Kernel } from './kernels.ts';

/** Boots a kernel once, with subreaper as its PID 1. Each scene that it has run is one test. */
export async function describeKernel(kernel: Kernel): Promise<void> {
  const name = nameOf(kernel);
  const guest = inject('guests')[kernel.machine.npm];
  const image = guest.kind === 'ready' ? await provideImage(kernel) : guest.lack;
  if (guest.kind === 'ready' && typeof image !== 'string') {
    describe(name, () => runScenes(kernel, image, guest.initramfs));
  } else {
    describe(name, () => test('boots', lacking(String(image)), () => {}));
  }
}

function nameOf({ version, machine }: Kernel): string {
  return `Linux ${version} on ${machine.npm}`;
}

/** @returns what is missing where the kernel cannot be fetched: a mirror that is away must not look like a failed test */
async function provideImage(kernel: Kernel): Promise<KernelImage | string> {
  try {
    return await fetchKernel(kernel);
  } catch (error) {
    return `the Debian package of ${nameOf(kernel)}: ${(error as Error).message.split('\n')[0]}`;
  }
}

function runScenes(kernel: Kernel, { file, packageName }: KernelImage, initramfs: string): void {
  let booted: Booted;
  beforeAll(async () => {
    booted = await boot(kernel.machine, file, initramfs, kernelFolder(kernel));
    console.log(`${packageName}: the machine ran for ${Math.round(booted.ms / 1000)} s`);
  });

  test('is the kernel that was booted', () => {
    const running = booted.messages.find(({ kind }) => kind === 'kernel');
    expect(running, booted.console).toMatchObject({ release: expect.stringContaining(`${kernel.version}.`) });
  });

  for (const scene of scenes) {
    for (const place of scene.places) {
      const name = sceneName(scene, place);
      test(name, () => {
        const message = booted.messages.find((each) => 'scene' in each && each.scene === name);
        if (message?.kind === 'failed') throw new Error(message.error);
        if (message?.kind !== 'saw')
          throw new Error('not reached: the last test tells how the machine ended');
        expect(message.saw).toEqual(scene.expected(kernel));
      });
    }
  }

  test('PID 1 of the machine ends with the status of its workload', () => {
    // The kernel panics, and prints the wait status of PID 1.
    const status = (LAST_STATUS << 8).toString(16).padStart(8, '0');
    expect(booted.console).toContain(`Attempted to kill init! exitcode=0x${status}`);
  });
}
