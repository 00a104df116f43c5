"""What people hold in their hands: the dashboard, the notebooks in JupyterLab and as a gallery, new studies."""
