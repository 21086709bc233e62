/** A machine that QEMU emulates. */
export interface Machine {
  /** As npm and Debian call its processor. */
  readonly npm: 'x64' | 'arm64';
  readonly debian: 'amd64' | 'arm64';
  readonly qemu: string;
  /** The Debian packages that have QEMU and the compiler. */
  readonly packages: { readonly qemu: string; readonly compiler: string };
  readonly compiler: string;
  /** The name of its first serial port, the kernel's. */
  readonly console: string;
  /** The second one, on which the scenes report: the lines of the kernel must not get between theirs. */
  readonly reportPort: string;
  /** What QEMU is told beside what is the same for each, with the file that the second port writes to. */
  options(reportFile: string): readonly string[];
}

export const machines = {
  x64: {
    npm: 'x64',
    debian: 'amd64',
    qemu: 'qemu-system-x86_64',
    packages: { qemu: 'qemu-system-x86', compiler: 'gcc libc6-dev' },
    compiler: 'cc',
    console: 'ttyS0',
    reportPort: 'ttyS1',
    options: (reportFile) => ['-cpu', 'max', '-serial', `file:${reportFile}`],
  },
  arm64: {
    npm: 'arm64',
    debian: 'arm64',
    qemu: 'qemu-system-aarch64',
    packages: { qemu: 'qemu-system-arm', compiler: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross' },
    compiler: 'aarch64-linux-gnu-gcc',
    console: 'ttyAMA0',
    reportPort: 'ttyS0',
    // To sign a pointer as the architecture describes it takes most of an emulated processor.
    options: (reportFile) => [
      ...['-machine', 'virt', '-cpu', 'max,pauth-impdef=on'],
      // This machine has one serial port. A card has another.
      ...['-chardev', `file,id=report,path=${reportFile}`, '-device', 'pci-serial,chardev=report'],
    ],
  },
} as const satisfies Record<string, Machine>;
