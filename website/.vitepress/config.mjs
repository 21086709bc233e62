import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitepress';
import { copyPages, linkedFiles, linkOnSite, root } from './pages.mjs';

const srcDir = join(root, 'website/.pages');
copyPages(srcDir);

const page = (text, link) => ({ text, link: `/docs/${link}` });

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
    nav: [
      page('Getting started', 'getting-started'),
      page('API', 'api'),
      { text: 'Changes', link: '/CHANGELOG' },
    ],
    sidebar: [
      {
        text: 'To begin',
        items: [
          { text: 'subreaper', link: '/' },
          page('Getting started', 'getting-started'),
          page('In a container', 'in-a-container'),
          page('Inside the app', 'inside-the-app'),
          page('In tests', 'testing'),
          page('Migrating', 'migrating'),
          page('Questions', 'faq'),
        ],
      },
      {
        text: 'To run it',
        items: [
          page('Options and exit status', 'options'),
          page('Stopping', 'stopping'),
          page('Signals', 'signals'),
          page('What the workload sees', 'the-workload'),
          page('Docker, Swarm, Kubernetes', 'orchestrators'),
          page('Troubleshooting', 'troubleshooting'),
          page('Why it took so long, and why 137', 'why'),
          page('Doctor', 'doctor'),
          page('Trace', 'trace'),
          page('Events', 'events'),
          page('Limits', 'limits'),
        ],
      },
      {
        text: 'To know more',
        items: [
          page('API', 'api'),
          page('Architecture', 'architecture'),
          page('The life of init', 'lifecycle'),
          page('Kernel reaping', 'kernel-reaping'),
          page('On real kernels', 'kernels'),
          page('Reliability', 'reliability'),
          page('The environment', 'environment'),
          page('Performance', 'performance'),
          { text: 'Benchmarks', link: '/bench/' },
          { text: 'Security', link: '/SECURITY' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Changes', link: '/CHANGELOG' },
        ],
      },
      {
        text: 'Examples',
        collapsed: true,
        items: ['hung-workers', 'cluster', 'screenshots', 'kubernetes', 'prometheus'].map((name) => ({
          text: name,
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
