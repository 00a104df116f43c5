"""volkit"""
