import { LabIcon } from '@jupyterlab/ui-components';

/** Three layers, the uppermost of them full: states of a workspace, the newest in front. */
export const snapshotsIcon = new LabIcon({
  name: 'jvs:snapshots',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">
  <g class="jp-icon3" fill="#616161">
    <path d="M12 2 2 7.5 12 13l10-5.500z"/>
    <path d="M3.900 10.900 2 12l10 5.500L22 12l-1.900-1.100L12 15.400z"/>
    <path d="M3.900 15.400 2 16.500 12 22l10-5.500-1.900-1.100-8.100 4.500z"/>
  </g>
</svg>`
});
