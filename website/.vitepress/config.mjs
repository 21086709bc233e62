import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitepress';
import { copyPages, examples, headingOf, linkedFiles, linkOnSite, pagesOfDocs, root } from './pages.mjs';

const srcDir = join(root, 'website/.pages');
copyPages(srcDir);

/** A page of docs, under its own heading. */
const page = (name) => ({ text: headingOf(`docs/${name}.md`), link: `/docs/${name}` });

const toBegin = [
  'getting-started',
  'in-a-container',
  'inside-the-app',
  'testing',
  'owners',
  'migrating',
  'faq',
];
const toRun = [
  ...[
    'options',
    'stopping',
    'signals',
    'the-workload',
    'orchestrators',
    'troubleshooting',
    'why',
    'doctor',
    'trace',
  ],
  ...['events', 'limits'],
];
const named = [...toBegin, ...toRun, 'api', 'architecture'];
/** All others, so that none is forgotten. */
const others = pagesOfDocs().filter((name) => !named.includes(name));

export default defineConfig({
  title: 'subreaper',
  description: 'The init for Node.js containers',
  lang: 'en',
  // Without it a browser asks for favicon.ico.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcDir,
  outDir: join(root, 'build/site'),
  cacheDir: join(root, 'build/site-cache'),
  // Every link must hold: check-links.mjs looks at the anchors too.
  ignoreDeadLinks: false,
  // Mermaid, which a page loads when it has a diagram.
  vite: { build: { chunkSizeWarningLimit: 3000 } },
  markdown: {
    config(md) {
      md.core.ruler.push('links-on-site', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          if (token.type === 'link_open')
            token.attrSet('href', linkOnSite(token.attrGet('href'), env.relativePath));
        }
      });
      const { fence } = md.renderer.rules;
      md.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info, content } = tokens[index];
        if (info.trim() !== 'mermaid') return fence(tokens, index, ...rest);
        return `<MermaidDiagram source="${encodeURIComponent(content)}" />`;
      };
    },
  },
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [page('getting-started'), page('api'), { text: 'Changes', link: '/CHANGELOG' }],
    sidebar: [
      { text: 'To begin', items: [{ text: 'subreaper', link: '/' }, ...toBegin.map(page)] },
      { text: 'To run it', items: toRun.map(page) },
      {
        text: 'To know more',
        items: [
          ...['api', 'architecture', ...others].map(page),
          { text: 'Benchmarks', link: '/bench/' },
          { text: 'Security', link: '/SECURITY' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Changes', link: '/CHANGELOG' },
        ],
      },
      {
        text: 'Examples',
        collapsed: true,
        items: examples().map((name) => ({
          text: headingOf(`examples/${name}/README.md`),
          link: `/examples/${name}/`,
        })),
      },
    ],
  },
  buildEnd({ outDir }) {
    for (const file of linkedFiles) {
      mkdirSync(join(outDir, dirname(file)), { recursive: true });
      cpSync(join(root, file), join(outDir, file), { recursive: true });
    }
  },
});
