// The sources of other inits, as Debian has them.

/** @type {Readonly<Record<'tini' | 'dumb-init' | 'catatonit', import('./debian.mjs').DebianSource>>} */
export const initSources = {
  'dumb-init': {
    path: 'pool/main/d/dumb-init/dumb-init_1.2.5.orig.tar.gz',
    sha256: '3eda470d8a4a89123f4516d26877a727c0945006c8830b7e3bad717a5f6efc4e',
  },
  tini: {
    path: 'pool/main/t/tini/tini_0.19.0.orig.tar.gz',
    sha256: '0fd35a7030052acd9f58948d1d900fe1e432ee37103c5561554408bdac6bbf0d',
  },
  catatonit: {
    path: 'pool/main/c/catatonit/catatonit_0.1.7.orig.tar.xz',
    sha256: '6ea6cb8c7feeca2cf101e7f794dab6eeb192cde177ecc7714d2939655d3d8997',
  },
};
