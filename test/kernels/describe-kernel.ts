import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Booted, boot } from './boot.ts';
import { fetchKernel, type KernelImage } from './debian-kernel.ts';
import { sceneName } from './guest/scene.ts';
import { LAST_STATUS, scenes } from './guest/scenes.ts';
import type { Kernel } from './kernels.ts';
import { kernelsFolder } from './parts.ts';

/** Boots a kernel once, with subreaper as its PID 1. Each scene that it has run is one test. */
export async function describeKernel(kernel: Kernel): Promise<void> {
  const name = `Linux ${kernel.version}`;
  const guest = inject('guest');
  const image = guest.kind === 'ready' ? await provideImage(kernel) : guest.reason;
  if (guest.kind === 'ready' && typeof image !== 'string') {
    describe(name, () => runScenes(kernel, image, guest.initramfs));
  } else {
    describe.skip(`${name} (skipped: ${image})`, () => test('boots', () => {}));
  }
}

/** @returns the reason where the kernel cannot be had: a mirror that is away must not look like a failed test */
async function provideImage({ version, release }: Kernel): Promise<KernelImage | string> {
  try {
    return await fetchKernel(release);
  } catch (error) {
    const reason = `no package of Linux ${version}: ${(error as Error).message.split('\n')[0]}`;
    console.warn(`SKIPPED on this machine: ${reason}`);
    return reason;
  }
}

function runScenes(kernel: Kernel, { file, packageName }: KernelImage, initramfs: string): void {
  let booted: Booted;
  beforeAll(async () => {
    booted = await boot(file, initramfs, join(kernelsFolder, kernel.release));
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
